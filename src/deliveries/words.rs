//! What a claimed delivery says: what an earlier attempt stored, or its notification in the words of the channel.

use reqwest::Url;
use serde::Deserialize;
use serde_json::Value;

use super::render::{self, Words};
use super::sender::Content;
use super::store::load::Loaded;
use crate::base::text::say;
use crate::base::{Error, Locale, Result};
use crate::notifications::templates;
use crate::preferences::Channel;

/// Notifications that one digest mail names; how many more there are, it says.
const DIGEST_ITEMS: usize = 50;

/// A digest as its job leaves it: what was gathered, yet to be written as a mail.
#[derive(Deserialize)]
struct Digest {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    title: String,
    #[serde(default)]
    link: Option<String>,
}

/// The words, and the headline where it is new. Errors: `INTERNAL` for rows that another version wrote.
pub fn of(row: &Loaded, channel: Channel, app_url: Option<&Url>) -> Result<(Content, Option<String>)> {
    let words = match &row.rendered {
        Some(rendered) if rendered.get("items").is_some() => digest(rendered, row.locale(), app_url)?,
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

fn digest(stored: &Value, locale: Locale, app_url: Option<&Url>) -> Result<Words> {
    let Digest { items } = Digest::deserialize(stored).map_err(Error::internal)?;
    let more = items.len().saturating_sub(DIGEST_ITEMS);
    let mut lines: Vec<String> = items.iter().take(DIGEST_ITEMS).map(|item| line(item, app_url)).collect();
    if more > 0 {
        lines.push(say(locale, "digest-more", &[("count", more.to_string())]));
    }
    Ok(Words {
        title: say(
            locale,
            if items.len() == 1 { "digest-title-one" } else { "digest-title-many" },
            &[("count", items.len().to_string())],
        ),
        body: lines.join("\n"),
        link: None,
        email: None,
    })
}

fn line(item: &Item, app_url: Option<&Url>) -> String {
    let link = item.link.as_deref().and_then(|link| render::absolute(app_url?, link));
    match link {
        Some(link) => format!("- {}\n  {link}", item.title),
        None => format!("- {}", item.title),
    }
}
