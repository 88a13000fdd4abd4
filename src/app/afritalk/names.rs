//! The extra fields of AfriTalk's front end. The type of an object is recognized by its fields.

use super::AfriTalkReader;
use super::rewrite::{Beside, Fields};

const NULL: &str = "null";

/// The fields to add to an object. `user` is the owner of the notification, if it is one.
pub fn beside(fields: &Fields<'_>, reader: Option<&AfriTalkReader>, user: Option<&str>) -> Beside {
    let has = |keys: &[&str]| keys.iter().all(|key| fields.get(key).is_some());
    if has(&["conversation_id", "sender_id", "content", "related"]) {
        message(fields)
    } else if has(&["kind", "peer", "unread_count", "counterpart"]) {
        reader.map(|reader| conversation(fields, reader)).unwrap_or_default()
    } else if has(&["category", "is_read", "type", "body"]) {
        notification(fields, user)
    } else if has(&["field", "code"]) {
        fault(fields)
    } else {
        Vec::new()
    }
}

fn message(fields: &Fields<'_>) -> Beside {
    let (kind, id) = related(fields.get("related"));
    let is_read = fields.get("read_at").is_some_and(|at| at != NULL);
    vec![("relatedEntityType", kind), ("relatedEntityId", id), ("read", is_read.to_string())]
}

/// The two people of a direct conversation: the reader and the other. A client's room has no other.
fn conversation(fields: &Fields<'_>, reader: &AfriTalkReader) -> Beside {
    let peer = fields.get("peer").and_then(|peer| Some(object(peer)?.get("id")?.to_owned()));
    vec![
        ("tenantId", quoted(&reader.tenant.to_string())),
        ("userOneId", quoted(&reader.user.to_string())),
        ("userTwoId", peer.unwrap_or_else(|| NULL.to_owned())),
    ]
}

fn notification(fields: &Fields<'_>, user: Option<&str>) -> Beside {
    let raw = |key: &str| fields.get(key).unwrap_or(NULL).to_owned();
    let (kind, id) = of_data(fields.get("data"));
    let pushed = raw("push_sent_at");
    vec![
        ("type", quoted(kind_of(fields.get("category")))),
        ("code", raw("type")),
        ("message", raw("body")),
        ("userId", user.map_or_else(|| NULL.to_owned(), quoted)),
        ("relatedEntityType", kind),
        ("relatedEntityId", id),
        ("pushSent", (pushed != NULL).to_string()),
        ("pushSentAt", pushed),
    ]
}

/// The three kinds that AfriTalk knows.
fn kind_of(category: Option<&str>) -> &'static str {
    match category {
        Some(r#""message""#) => "message",
        Some(r#""system""#) => "system",
        Some(_) | None => "alert",
    }
}

/// A fault names the field as its sender wrote it.
fn fault(fields: &Fields<'_>) -> Beside {
    let named = fields.get("field").and_then(|field| serde_json::from_str::<String>(field).ok());
    // Below a producer's own key, names are the producer's.
    let path = |named: String| {
        let mut is_own = true;
        let parts = named.split('.').map(|part| {
            let part = if is_own { super::keys::camel(part) } else { part.into() };
            is_own &= !super::rewrite::OPAQUE.contains(&part.as_ref());
            part
        });
        parts.collect::<Vec<_>>().join(".")
    };
    named.map(|named| vec![("field", quoted(&path(named)))]).unwrap_or_default()
}

fn related(related: Option<&str>) -> (String, String) {
    let fields = related.and_then(object);
    let raw = |key: &str| fields.as_ref().and_then(|fields| fields.get(key)).unwrap_or(NULL).to_owned();
    (raw("type"), raw("id"))
}

/// The subject of a notification, from its producer's data if it is there.
fn of_data(data: Option<&str>) -> (String, String) {
    let Some(fields) = data.and_then(object) else { return (NULL.to_owned(), NULL.to_owned()) };
    if let Some(about) = fields.get("related") {
        return related(Some(about));
    }
    let raw = |key: &str| fields.get(key).unwrap_or(NULL).to_owned();
    (raw("related_entity_type"), raw("related_entity_id"))
}

/// `messaging:new {conversationId, message}`, from a payload that is already converted.
pub fn of_new(told: &str) -> String {
    let Some(fields) = object(told) else { return told.to_owned() };
    let conversation =
        fields.get("message").and_then(object).and_then(|message| message.get("conversationId"));
    match conversation {
        Some(id) => fields.with(&[("conversationId", id.to_owned())]),
        None => told.to_owned(),
    }
}

/// `messaging:read {messageId, readAt, …}`: `messageId` is always present.
pub fn of_read(told: &str) -> String {
    match object(told) {
        Some(fields) if fields.get("messageId").is_none() => fields.with(&[("messageId", NULL.to_owned())]),
        Some(_) | None => told.to_owned(),
    }
}

/// `notify:new {type, payload}`: the payload is the notification.
pub fn notification_text(told: &str) -> String {
    let Some(mut fields) = object(told) else { return told.to_owned() };
    let Some(notification) = fields.take("notification") else { return told.to_owned() };
    let kind = object(notification.get()).and_then(|fields| fields.get("type"));
    let kind = kind.unwrap_or(r#""alert""#).to_owned();
    fields.with(&[("type", kind), ("payload", notification.get().to_owned())])
}

fn object(json: &str) -> Option<Fields<'_>> {
    serde_json::from_str(json).ok()
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
