//! The extra fields of AfriTalk's front end. The type of an object is recognized by its fields.

use super::AfriTalkReader;
use super::rewrite::{ExtraFields, ObjectFields};

const NULL: &str = "null";

/// The fields to add to an object. `user` is the owner of the notification, if it is one.
pub fn extra_fields(
    fields: &ObjectFields<'_>,
    reader: Option<&AfriTalkReader>,
    user: Option<&str>,
) -> ExtraFields {
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

fn message(fields: &ObjectFields<'_>) -> ExtraFields {
    let (kind, id) = related(fields.get("related"));
    let is_read = fields.get("read_at").is_some_and(|at| at != NULL);
    vec![("relatedEntityType", kind), ("relatedEntityId", id), ("read", is_read.to_string())]
}

/// The two people of a direct conversation: the reader and the other. A client's room has no other.
fn conversation(fields: &ObjectFields<'_>, reader: &AfriTalkReader) -> ExtraFields {
    let peer = fields.get("peer").and_then(|peer| Some(parse_object(peer)?.get("id")?.to_owned()));
    vec![
        ("tenantId", json_string(&reader.tenant.to_string())),
        ("userOneId", json_string(&reader.user.to_string())),
        ("userTwoId", peer.unwrap_or_else(|| NULL.to_owned())),
    ]
}

fn notification(fields: &ObjectFields<'_>, user: Option<&str>) -> ExtraFields {
    let raw = |key: &str| fields.get(key).unwrap_or(NULL).to_owned();
    let (kind, id) = subject_of_data(fields.get("data"));
    let pushed = raw("push_sent_at");
    vec![
        ("type", json_string(afritalk_type(fields.get("category")))),
        ("code", raw("type")),
        ("message", raw("body")),
        ("userId", user.map_or_else(|| NULL.to_owned(), json_string)),
        ("relatedEntityType", kind),
        ("relatedEntityId", id),
        ("pushSent", (pushed != NULL).to_string()),
        ("pushSentAt", pushed),
    ]
}

/// The three kinds that AfriTalk knows.
fn afritalk_type(category: Option<&str>) -> &'static str {
    match category {
        Some(r#""message""#) => "message",
        Some(r#""system""#) => "system",
        Some(_) | None => "alert",
    }
}

/// A fault names the field as its sender wrote it.
fn fault(fields: &ObjectFields<'_>) -> ExtraFields {
    let named = fields.get("field").and_then(|field| serde_json::from_str::<String>(field).ok());
    // Below a producer's own key, names are the producer's.
    let path = |named: String| {
        let mut is_own = true;
        let parts = named.split('.').map(|part| {
            let part = if is_own { super::keys::camel(part) } else { part.into() };
            is_own &= !super::rewrite::OPAQUE_KEYS.contains(&part.as_ref());
            part
        });
        parts.collect::<Vec<_>>().join(".")
    };
    named.map(|named| vec![("field", json_string(&path(named)))]).unwrap_or_default()
}

fn related(related: Option<&str>) -> (String, String) {
    let fields = related.and_then(parse_object);
    let raw = |key: &str| fields.as_ref().and_then(|fields| fields.get(key)).unwrap_or(NULL).to_owned();
    (raw("type"), raw("id"))
}

/// The subject of a notification, from its producer's data if it is there.
fn subject_of_data(data: Option<&str>) -> (String, String) {
    let Some(fields) = data.and_then(parse_object) else { return (NULL.to_owned(), NULL.to_owned()) };
    if let Some(about) = fields.get("related") {
        return related(Some(about));
    }
    let raw = |key: &str| fields.get(key).unwrap_or(NULL).to_owned();
    (raw("related_entity_type"), raw("related_entity_id"))
}

/// `messaging:new {conversationId, message}`, from a payload that is already converted.
pub fn complete_new_message(payload: &str) -> String {
    let Some(fields) = parse_object(payload) else { return payload.to_owned() };
    let conversation =
        fields.get("message").and_then(parse_object).and_then(|message| message.get("conversationId"));
    match conversation {
        Some(id) => fields.with(&[("conversationId", id.to_owned())]),
        None => payload.to_owned(),
    }
}

/// `messaging:read {messageId, readAt, …}`: `messageId` is always present.
pub fn complete_read(payload: &str) -> String {
    match parse_object(payload) {
        Some(fields) if fields.get("messageId").is_none() => fields.with(&[("messageId", NULL.to_owned())]),
        Some(_) | None => payload.to_owned(),
    }
}

/// `notify:new {type, payload}`: the payload is the notification.
pub fn notification_text(payload: &str) -> String {
    let Some(mut fields) = parse_object(payload) else { return payload.to_owned() };
    let Some(notification) = fields.take("notification") else { return payload.to_owned() };
    let kind = parse_object(notification.get()).and_then(|fields| fields.get("type"));
    let kind = kind.unwrap_or(r#""alert""#).to_owned();
    fields.with(&[("type", kind), ("payload", notification.get().to_owned())])
}

fn parse_object(json: &str) -> Option<ObjectFields<'_>> {
    serde_json::from_str(json).ok()
}

fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
