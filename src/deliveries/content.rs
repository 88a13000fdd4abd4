//! Builds the content of a claimed delivery: that of an earlier attempt, or the notification rendered for the
//! channel.

use guichet_base::{Error, Result};
use reqwest::Url;

use super::render::{self, DeliveryText};
use super::sender::DeliveryContent;
use super::store::load::DeliveryContext;
use crate::notifications::templates;
use crate::preferences::Channel;

/// The content, and the excerpt if it is new. Errors: `INTERNAL` for rows written by another version.
pub fn build_content(
    row: &DeliveryContext,
    channel: Channel,
    app_url: Option<&Url>,
) -> Result<(DeliveryContent, Option<String>)> {
    let words = match &row.rendered {
        Some(rendered) => return Ok((DeliveryContent::from_stored(rendered.clone())?, None)),
        None => notification_text(row, channel),
    };
    let content = render::render_content(channel, &words, app_url);
    let content = content.ok_or_else(|| Error::internal("in-app leaves by no sender"))?;
    Ok((content, Some(render::excerpt(&words))))
}

fn notification_text(row: &DeliveryContext, channel: Channel) -> DeliveryText {
    DeliveryText {
        title: row.title.clone().unwrap_or_default(),
        body: row.body.clone().unwrap_or_default(),
        link: row.link.clone(),
        email: if channel == Channel::Email { email_override(row) } else { None },
    }
}

/// The template's own text for mails, if it has one and it renders; otherwise the text of the app is used.
fn email_override(row: &DeliveryContext) -> Option<(String, String)> {
    let template = templates::effective(&row.kind, row.template_changes.as_ref()).ok()?;
    let wording = template.texts.of(row.locale());
    if wording.email_subject.is_none() && wording.email_body.is_none() {
        return None;
    }
    let payload = row.data.as_ref()?.as_object()?;
    match template.render_email(row.locale(), row.user_type(), payload) {
        Ok(text) => Some((text.subject, text.body)),
        Err(error) => {
            tracing::warn!(%error, template.code = row.kind, "the words for an email could not be rendered");
            None
        }
    }
}
