//! AfriTalk's naming: guichet's JSON in camelCase, both ways, with that product's extra fields.
//!
//! - Only keys are renamed, never event names, and nothing inside `preview`, `data` and `payload`, which belong to
//!   producers and pass through byte for byte.
//! - A key that is not snake_case (a topic in `heads`, for example) stays unchanged.
//! - Text that is not JSON passes through: its reader refuses it.
//!
//! Pure: JSON text in, JSON text out. Sockets use [`spelling`]; REST responses use [`response_to_afritalk`]; `http` parses
//! requests in AfriTalk's names itself.

mod extra_fields;
mod extract;
mod feed;
pub mod http;
mod keys;
pub mod openapi_names;
mod rewrite;

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test stops at what it did not expect")]
mod tests;

use guichet_base::id::{TenantId, UserId};
use guichet_realtime::Spelling;
use serde_json::value::RawValue;

use self::rewrite::{NamingDirection, ObjectFields, rewrite};

/// The reader of a response: some of AfriTalk's fields depend on it.
#[derive(Debug, Clone, Copy)]
pub struct AfriTalkReader {
    pub tenant: TenantId,
    pub user: UserId,
}

/// The naming convention that the hub uses for camelCase sockets.
pub fn spelling() -> Spelling {
    Spelling {
        event: event_to_afritalk,
        answer: |_, response| to_afritalk(response, None),
        ask: command_from_afritalk,
    }
}

/// Converts guichet's JSON to AfriTalk's names, at every depth.
pub fn to_afritalk(json: &str, reader: Option<AfriTalkReader>) -> String {
    let user = reader.map(|reader| reader.user.to_string());
    let reader = reader.as_ref();
    rewrite(json, NamingDirection::ToAfriTalk, &|fields| {
        extra_fields::extra_fields(fields, reader, user.as_deref())
    })
}

/// Converts a whole REST response, whose own `data` is guichet's.
pub fn response_to_afritalk(json: &str, reader: Option<AfriTalkReader>) -> String {
    let Ok(fields) = serde_json::from_str::<ObjectFields<'_>>(json) else { return json.to_owned() };
    let part = |key: &'static str| fields.get(key).map(|part| (key, to_afritalk(part, reader)));
    let parts: Vec<_> = ["data", "error", "meta"].into_iter().filter_map(part).collect();
    fields.with(&parts)
}

/// The naming convention of errors on AfriTalk's paths.
pub fn error_naming(path: &str) -> Option<fn(&str) -> String> {
    http::is_afritalk_path(path).then_some(|json| response_to_afritalk(json, None))
}

/// Converts AfriTalk's JSON to guichet's names.
pub fn from_afritalk(json: &str) -> String {
    rewrite(json, NamingDirection::FromAfriTalk, &|_| Vec::new())
}

/// Converts the payload of `event` on `topic`.
fn event_to_afritalk(topic: &str, event: &str, payload: &str) -> String {
    // A person's own topics end with their id.
    let user = topic.strip_prefix("client:notifications:").or_else(|| topic.strip_prefix("user:"));
    let renamed = rewrite(payload, NamingDirection::ToAfriTalk, &|fields| {
        extra_fields::extra_fields(fields, None, user)
    });
    match event {
        "messaging:new" => extra_fields::complete_new_message(&renamed),
        "messaging:read" => extra_fields::complete_read(&renamed),
        "notify:new" => extra_fields::notification_text(&renamed),
        _ => renamed,
    }
}

/// Converts the payload of a command.
fn command_from_afritalk(event: &str, payload: &str) -> String {
    let asked = from_afritalk(payload);
    if event == "messaging:send" { related_from_flat_fields(&asked).unwrap_or(asked) } else { asked }
}

/// `relatedEntityType` and `relatedEntityId` of a message to send, as guichet's `related`. `None` if neither is
/// present. Also for REST bodies.
pub fn related_from_flat_fields(asked: &str) -> Option<String> {
    let mut fields: ObjectFields<'_> = serde_json::from_str(asked).ok()?;
    let kind = fields.take("related_entity_type");
    let id = fields.take("related_entity_id");
    let given = |raw: Option<&RawValue>| raw.is_some_and(|raw| raw.get() != "null");
    if !given(kind) && !given(id) {
        // Present, but empty.
        return (kind.is_some() || id.is_some()).then(|| fields.with(&[]));
    }
    let text = |raw: Option<&RawValue>| raw.map_or("null", RawValue::get).to_owned();
    let related = format!(r#"{{"type":{},"id":{}}}"#, text(kind), text(id));
    Some(fields.with(&[("related", related)]))
}
