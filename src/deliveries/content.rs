//! What a claimed delivery says: what an earlier attempt stored, or its notification in the words of the channel.

use guichet_base::{Error, Result};
use reqwest::Url;

use super::render::{self, Words};
use super::sender::Content;
use super::store::load::Loaded;
use crate::notifications::templates;
use crate::preferences::Channel;

/// The words, and the headline where it is new. Errors: `INTERNAL` for rows that another version wrote.
pub fn of(row: &Loaded, channel: Channel, app_url: Option<&Url>) -> Result<(Content, Option<String>)> {
    let words = match &row.rendered {
        Some(rendered) => return Ok((Content::of_stored(rendered.clone())?, None)),
        None => of_notification(row, channel),
    };
    let content = render::content(channel, &words, app_url);
    let content = content.ok_or_else(|| Error::internal("in-app leaves by no sender"))?;
    Ok((content, Some(render::excerpt(&words))))
}

fn of_notification(row: &Loaded, channel: Channel) -> Words {
    Words {
        title: row.title.clone().unwrap_or_default(),
        body: row.body.clone().unwrap_or_default(),
        link: row.link.clone(),
        email: if channel == Channel::Email { for_email(row) } else { None },
    }
}

/// What the template says for emails alone, where it does. A template that was spoilt since says what the app shows.
fn for_email(row: &Loaded) -> Option<(String, String)> {
    let template = templates::effective(&row.kind, row.changes.as_ref()).ok()?;
    let wording = template.texts.of(row.locale());
    if wording.email_subject.is_none() && wording.email_body.is_none() {
        return None;
    }
    let payload = row.data.as_ref()?.as_object()?;
    match template.render_email(row.locale(), row.side(), payload) {
        Ok(text) => Some((text.subject, text.body)),
        Err(error) => {
            tracing::warn!(%error, template.code = row.kind, "the words for an email could not be rendered");
            None
        }
    }
}
