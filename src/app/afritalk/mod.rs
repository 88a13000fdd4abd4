//! AfriTalk's naming: guichet's JSON in camelCase, both ways, with that product's extra fields.
//!
//! - Only keys are renamed, never event names, and nothing inside `preview`, `data` and `payload`, which belong to
//!   producers and pass through byte for byte.
//! - A key that is not snake_case (a topic in `heads`, for example) stays unchanged.
//! - Text that is not JSON passes through: its reader refuses it.
//!
//! Pure: JSON text in, JSON text out. Sockets use [`spelling`]; REST responses use [`response_to_afritalk`]; `http` parses
//! requests in AfriTalk's names itself.

pub mod described;
mod extract;
mod feed;
pub mod http;
mod keys;
mod names;
mod rewrite;

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test stops at what it did not expect")]
mod tests;

use guichet_base::id::{TenantId, UserId};
use guichet_realtime::Spelling;
use serde_json::value::RawValue;

use self::rewrite::{Direction, Fields, rewrite};

/// The reader of a response: some of AfriTalk's fields depend on it.
#[derive(Debug, Clone, Copy)]
pub struct AfriTalkReader {
    pub tenant: TenantId,
    pub user: UserId,
}

/// The naming convention that the hub uses for camelCase sockets.
pub fn spelling() -> Spelling {
    Spelling { event, answer: |_, response| to_afritalk(response, None), ask }
}

/// Converts guichet's JSON to AfriTalk's names, at every depth.
pub fn to_afritalk(json: &str, reader: Option<AfriTalkReader>) -> String {
    let user = reader.map(|reader| reader.user.to_string());
    let reader = reader.as_ref();
    rewrite(json, Direction::Out, &|fields| names::beside(fields, reader, user.as_deref()))
}

/// Converts a whole REST response, whose own `data` is guichet's.
pub fn response_to_afritalk(json: &str, reader: Option<AfriTalkReader>) -> String {
    let Ok(fields) = serde_json::from_str::<Fields<'_>>(json) else { return json.to_owned() };
    let part = |key: &'static str| fields.get(key).map(|part| (key, to_afritalk(part, reader)));
    let parts: Vec<_> = ["data", "error", "meta"].into_iter().filter_map(part).collect();
    fields.with(&parts)
}

/// The naming convention of errors on AfriTalk's paths.
pub fn of_failures(path: &str) -> Option<fn(&str) -> String> {
    http::is_afritalks(path).then_some(|json| response_to_afritalk(json, None))
}

/// Converts AfriTalk's JSON to guichet's names.
pub fn from_afritalk(json: &str) -> String {
    rewrite(json, Direction::In, &|_| Vec::new())
}

/// Converts the payload of `event` on `topic`.
fn event(topic: &str, event: &str, payload: &str) -> String {
    // A person's own topics end with their id.
    let user = topic.strip_prefix("client:notifications:").or_else(|| topic.strip_prefix("user:"));
    let told = rewrite(payload, Direction::Out, &|fields| names::beside(fields, None, user));
    match event {
        "messaging:new" => names::of_new(&told),
        "messaging:read" => names::of_read(&told),
        "notify:new" => names::notification_text(&told),
        _ => told,
    }
}

/// Converts the payload of a command.
fn ask(event: &str, payload: &str) -> String {
    let asked = from_afritalk(payload);
    if event == "messaging:send" { related(&asked).unwrap_or(asked) } else { asked }
}

/// `relatedEntityType` and `relatedEntityId` of a message to send, as guichet's `related`. `None` if neither is
/// present. Also for REST bodies.
pub fn related(asked: &str) -> Option<String> {
    let mut fields: Fields<'_> = serde_json::from_str(asked).ok()?;
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
