//! AfriTalk's names: guichet's JSON in camelCase, both ways, with the fields of that product beside it.
//!
//! - Keys alone are renamed, never event names, and never what is inside `preview`, `data` or `payload`, which are a
//!   producer's own: it goes through byte for byte.
//! - A key that is no name of guichet's style (a topic among `heads`, say) stays as it is.
//! - What is no JSON goes through untouched: whoever reads it refuses it.
//!
//! Pure: JSON text in, JSON text out. The socket uses [`spelling`]; answers over REST go through
//! [`told_answer`]; `http` reads their bodies and queries in AfriTalk's names by itself.

pub mod described;
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

/// For whom an answer is: some of AfriTalk's fields say who reads.
#[derive(Debug, Clone, Copy)]
pub struct AfriTalkReader {
    pub tenant: TenantId,
    pub user: UserId,
}

/// How the hub and its sessions spell what they tell camelCase dialects.
pub fn spelling() -> Spelling {
    Spelling { event, answer: |_, response| told(response, None), ask }
}

/// guichet's JSON as AfriTalk reads it. Lists and whatever is nested are translated too.
pub fn told(json: &str, reader: Option<AfriTalkReader>) -> String {
    let user = reader.map(|reader| reader.user.to_string());
    let reader = reader.as_ref();
    rewrite(json, Direction::Out, &|fields| names::beside(fields, reader, user.as_deref()))
}

/// A whole answer over REST, whose own `data` is guichet's and no producer's.
pub fn told_answer(json: &str, reader: Option<AfriTalkReader>) -> String {
    let Ok(fields) = serde_json::from_str::<Fields<'_>>(json) else { return json.to_owned() };
    let part = |key: &'static str| fields.get(key).map(|part| (key, told(part, reader)));
    let parts: Vec<_> = ["data", "error", "meta"].into_iter().filter_map(part).collect();
    fields.with(&parts)
}

/// How failures are spelled on AfriTalk's paths; elsewhere as they are.
pub fn of_failures(path: &str) -> Option<fn(&str) -> String> {
    http::is_afritalks(path).then_some(|json| told_answer(json, None))
}

/// AfriTalk's JSON under guichet's names.
pub fn asked(json: &str) -> String {
    rewrite(json, Direction::In, &|_| Vec::new())
}

/// A socket's event: the payload of `event` on `topic`.
fn event(topic: &str, event: &str, payload: &str) -> String {
    // A person's own topics end with their id.
    let user = topic.strip_prefix("client:notifications:").or_else(|| topic.strip_prefix("user:"));
    let told = rewrite(payload, Direction::Out, &|fields| names::beside(fields, None, user));
    match event {
        "messaging:new" => names::of_new(&told),
        "messaging:read" => names::of_read(&told),
        "notify:new" => names::of_notification(&told),
        _ => told,
    }
}

/// A socket's command.
fn ask(event: &str, payload: &str) -> String {
    let asked = asked(payload);
    if event == "messaging:send" { related(&asked).unwrap_or(asked) } else { asked }
}

/// `relatedEntityType` and `relatedEntityId` of a message to be sent, as guichet's `related`. `None` where neither is
/// there. Also for bodies over REST.
pub fn related(asked: &str) -> Option<String> {
    let mut fields: Fields<'_> = serde_json::from_str(asked).ok()?;
    let kind = fields.take("related_entity_type");
    let id = fields.take("related_entity_id");
    let given = |raw: Option<&RawValue>| raw.is_some_and(|raw| raw.get() != "null");
    if !given(kind) && !given(id) {
        // Said, but empty.
        return (kind.is_some() || id.is_some()).then(|| fields.with(&[]));
    }
    let text = |raw: Option<&RawValue>| raw.map_or("null", RawValue::get).to_owned();
    let related = format!(r#"{{"type":{},"id":{}}}"#, text(kind), text(id));
    Some(fields.with(&[("related", related)]))
}
