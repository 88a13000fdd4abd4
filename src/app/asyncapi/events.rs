//! The events that only guichet emits, and their payloads.

use serde_json::{Value, json};

use super::catalogue::CatalogueMessage;
use super::payloads::PresenceUpdate;
use super::schemas::{SchemaFn, schema_of};
use crate::chat::payload::{
    DeliveredPayload, MessagePayload, ReadPayload, TypingPayload, UnreadPayload as UnreadMessagesTold,
};
use crate::notifications::socket_events::{
    FeedSummary, NotificationCreated, NotificationDeleted, NotificationUpdated, UnreadCount,
};

pub const EVENTS: [CatalogueMessage; 13] = [
    durable(
        "event_messaging_new",
        "messaging:new",
        "A message was sent",
        schema_of::<MessagePayload<'_>>,
        new,
    ),
    durable(
        "event_messaging_updated",
        "messaging:updated",
        "A message was edited",
        schema_of::<MessagePayload<'_>>,
        updated,
    ),
    durable(
        "event_messaging_deleted",
        "messaging:deleted",
        "A message was deleted; a tombstone stays, `content` and `related` null",
        schema_of::<MessagePayload<'_>>,
        deleted,
    ),
    durable("event_messaging_read", "messaging:read", "Somebody has read", schema_of::<ReadPayload>, read),
    signal(
        "event_messaging_delivered",
        "messaging:delivered",
        "Messages reached a device of the other side",
        schema_of::<DeliveredPayload>,
        delivered,
    ),
    signal(
        "event_messaging_typing",
        "messaging:typing",
        "A person is typing, or has stopped",
        schema_of::<TypingPayload>,
        typing,
    ),
    signal(
        "event_messaging_unread",
        "messaging:unread",
        "The person's own unread counters changed",
        schema_of::<UnreadMessagesTold>,
        unread,
    ),
    signal(
        "event_presence_update",
        "presence:update",
        "A person became online, idle or offline",
        schema_of::<PresenceUpdate>,
        presence,
    ),
    durable(
        "event_notify_new",
        "notify:new",
        "A new notification. On connections without joins, waiting ones arrive first, with `meta.replayed`",
        schema_of::<NotificationCreated<'_>>,
        notified,
    ),
    durable(
        "event_notify_updated",
        "notify:updated",
        "A notification was read, archived or snoozed, restored, or raised again by a similar event",
        schema_of::<NotificationUpdated<'_>>,
        raised,
    ),
    durable(
        "event_notify_unread",
        "notify:unread",
        "The unread counters: after more notifications in a minute than are sent one by one, and on connecting",
        schema_of::<UnreadCount>,
        unread_notifications,
    ),
    durable(
        "event_notify_summary",
        "notify:summary",
        "Many notifications were added or changed at once: load the feed again",
        schema_of::<FeedSummary>,
        summary,
    ),
    durable(
        "event_notify_deleted",
        "notify:deleted",
        "A notification was deleted, or expired",
        schema_of::<NotificationDeleted>,
        gone,
    ),
];

const fn durable(
    key: &'static str,
    name: &'static str,
    summary: &'static str,
    payload: SchemaFn,
    example: fn() -> Value,
) -> CatalogueMessage {
    CatalogueMessage { key, name, plain: Some(name), summary, payload, example, durable: true }
}

const fn signal(
    key: &'static str,
    name: &'static str,
    summary: &'static str,
    payload: SchemaFn,
    example: fn() -> Value,
) -> CatalogueMessage {
    CatalogueMessage { durable: false, ..durable(key, name, summary, payload, example) }
}

/// A message of the example conversation: Chloé writes in the room of Atelier Nord.
pub fn message() -> Value {
    json!({
        "id": "0198c0de-0000-7000-8000-00000000000a",
        "conversation_id": "0198c0de-0000-7000-8000-000000000003",
        "client_id": "0198c0de-0000-7000-8000-000000000002",
        "operator_id": "0198c0de-0000-7000-8000-000000000005",
        "seq": 12,
        "changed_seq": 57,
        "sender_id": "0198c0de-0000-7000-8000-000000000004",
        "sender_type": "client",
        "sender_name": "Chloé Petit",
        "sender_avatar_url": null,
        "content": "Bonjour, où en est ma commande ?",
        "related": {"type": "order", "id": "A-1042", "preview": {"title": "Commande A-1042", "subtitle": null,
            "url": "/orders/A-1042", "image_url": null}},
        "client_message_id": "0198c0de-0000-7000-8000-00000000000c",
        "state": "sent",
        "delivered_at": null,
        "read_at": null,
        "edited_at": null,
        "deleted_at": null,
        "created_at": "2026-01-02T10:00:00.123Z",
    })
}

/// The message with other values for some fields.
fn changed(changes: Value) -> Value {
    let mut message = message();
    if let (Some(message), Value::Object(changes)) = (message.as_object_mut(), changes) {
        message.extend(changes);
    }
    json!({ "message": message })
}

fn new() -> Value {
    changed(json!({}))
}

fn updated() -> Value {
    changed(json!({"content": "Bonjour, où en est ma commande A-1042 ?", "changed_seq": 58,
        "edited_at": "2026-01-02T10:00:30.000Z"}))
}

fn deleted() -> Value {
    changed(json!({"content": null, "related": null, "changed_seq": 59,
        "deleted_at": "2026-01-02T10:01:00.000Z"}))
}

pub fn read() -> Value {
    json!({"conversation_id": "0198c0de-0000-7000-8000-000000000003",
        "reader_id": "0198c0de-0000-7000-8000-000000000005", "up_to_seq": 12,
        "message_id": "0198c0de-0000-7000-8000-00000000000a", "read_at": "2026-01-02T10:00:05.000Z"})
}

fn delivered() -> Value {
    json!({"conversation_id": "0198c0de-0000-7000-8000-000000000003", "up_to_seq": 12,
        "delivered_at": "2026-01-02T10:00:01.000Z"})
}

pub fn typing() -> Value {
    json!({"conversation_id": "0198c0de-0000-7000-8000-000000000003",
        "user_id": "0198c0de-0000-7000-8000-000000000005", "typing": true})
}

fn unread() -> Value {
    json!({"conversation_id": "0198c0de-0000-7000-8000-000000000003", "unread_count": 1, "total": 3})
}

/// The example notification: Emma gets one about a mandate.
pub fn notification() -> Value {
    json!({
        "id": "0198c0de-0000-7000-8000-00000000000e",
        "seq": 12,
        "type": "mandat.created",
        "category": "mandat",
        "title": "Nouveau mandat : Rue des Lilas",
        "body": "",
        "link": "/mandats/42",
        "data": {"user_id": "0198c0de-0000-7000-8000-000000000005", "mandat_id": "42", "title": "Rue des Lilas",
            "url": "/mandats/42"},
        "priority": "normal",
        "status": "unread",
        "is_read": false,
        "channel": "inapp",
        "read_at": null,
        "archived_at": null,
        "snoozed_until": null,
        "expires_at": null,
        "event_id": "0198c0de-0000-7000-8000-00000000000f",
        "team_id": null,
        "created_at": "2026-01-02T10:00:00.123Z",
        "updated_at": "2026-01-02T10:00:00.123Z",
    })
}

fn notified() -> Value {
    json!({"notification": notification(), "unread": 6})
}

fn raised() -> Value {
    json!({"notification": notification(), "unread": 6, "raised": true})
}

fn unread_notifications() -> Value {
    json!({"count": 6})
}

fn summary() -> Value {
    json!({"count": 14, "since": "2026-01-02T10:00:00.123Z"})
}

fn gone() -> Value {
    json!({"id": "0198c0de-0000-7000-8000-00000000000e", "unread": 5})
}

fn presence() -> Value {
    json!({"user_id": "0198c0de-0000-7000-8000-000000000005", "status": "offline",
        "last_seen": "2026-01-02T10:05:00.000Z"})
}
