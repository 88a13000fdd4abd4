//! Builds the content of a claimed delivery: the content stored by an earlier attempt, or the notification rendered
//! for the channel.

use guichet_base::{Error, Result};
use reqwest::Url;

use super::render::{self, DeliveryText};
use super::sender::DeliveryContent;
use super::store::load::DeliveryContext;
use crate::notifications::templates;
use crate::preferences::Channel;

/// Returns the content, and its excerpt if it was rendered now. Errors: `INTERNAL` if the stored content is unreadable.
pub fn build_content(
    row: &DeliveryContext,
    channel: Channel,
    app_url: Option<&Url>,
) -> Result<(DeliveryContent, Option<String>)> {
    let text = match &row.rendered {
        Some(rendered) => return Ok((DeliveryContent::from_stored(rendered.clone())?, None)),
        None => notification_text(row, channel),
    };
    let content = render::render_content(channel, &text, app_url);
    let content = content.ok_or_else(|| Error::internal("the in-app channel has no sender"))?;
    Ok((content, Some(render::excerpt(&text))))
}

fn notification_text(row: &DeliveryContext, channel: Channel) -> DeliveryText {
    DeliveryText {
        title: row.title.clone().unwrap_or_default(),
        body: row.body.clone().unwrap_or_default(),
        link: row.link.clone(),
        email: if channel == Channel::Email { email_override(row) } else { None },
    }
}

/// Subject and body of the template's email text. `None` if it has none or rendering fails: the in-app text is used.
fn email_override(row: &DeliveryContext) -> Option<(String, String)> {
    let template = templates::effective(&row.kind, row.template_changes.as_ref()).ok()?;
    let wording = template.texts.for_locale(row.locale());
    if wording.email_subject.is_none() && wording.email_body.is_none() {
        return None;
    }
    let payload = row.data.as_ref()?.as_object()?;
    match template.render_email(row.locale(), row.user_type(), payload) {
        Ok(text) => Some((text.subject, text.body)),
        Err(error) => {
            tracing::warn!(%error, template.code = row.kind, "failed to render the email text of a template");
            None
        }
    }
}
