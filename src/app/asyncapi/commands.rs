//! The commands. They call the same functions as the REST endpoints and return the same values.

use serde_json::{Value, json};

use super::catalogue::{CatalogueCommand, CatalogueMessage};
use super::events;
use super::payloads::{AnyObject, EmptyObject};
use super::schemas::{SchemaFn, schema_of};
use crate::chat::http::{ReadCommand, SendCommand, TypingCommand};
use crate::chat::model::{ReadState, SendAnswer};
use crate::notifications::live::AckCommand;
use crate::notifications::model::Notification;

pub const COMMANDS: [CatalogueCommand; 6] = [
    CatalogueCommand {
        request: request(
            "command_messaging_send",
            "messaging:send",
            "Send a message: exactly one of `conversation_id`, `client_id`, `to_user_id` says where. The same \
             `client_message_id` again finds the first message",
            schema_of::<SendCommand>,
            send,
        ),
        reply: reply(
            "reply_messaging_send",
            "The message, and the presence of the other side",
            schema_of::<SendAnswer>,
            sent,
        ),
    },
    CatalogueCommand {
        request: request(
            "command_messaging_read",
            "messaging:read",
            "Mark as read, up to and including this message",
            schema_of::<ReadCommand>,
            read,
        ),
        reply: reply(
            "reply_messaging_read",
            "The caller's read position and unread count after reading",
            schema_of::<ReadState>,
            read_state,
        ),
    },
    CatalogueCommand {
        request: request(
            "command_messaging_typing",
            "messaging:typing",
            "Show that the caller is typing (repeat every few seconds), or has stopped",
            schema_of::<TypingCommand>,
            typing,
        ),
        reply: reply(
            "reply_messaging_typing",
            "The indicator was published",
            schema_of::<EmptyObject>,
            empty,
        ),
    },
    CatalogueCommand {
        request: request(
            "command_messaging_join",
            "messaging:join",
            "Accepted from older clients; `phx_join` is what joins",
            schema_of::<AnyObject>,
            empty,
        ),
        reply: reply("reply_messaging_join", "Nothing was done", schema_of::<EmptyObject>, empty),
    },
    CatalogueCommand {
        request: request(
            "command_notify_ack",
            "notify:ack",
            "Mark a notification as read",
            schema_of::<AckCommand>,
            ack,
        ),
        reply: reply(
            "reply_notify_ack",
            "The notification after the change",
            schema_of::<Notification>,
            acknowledged,
        ),
    },
    CatalogueCommand {
        request: request(
            "command_presence_ping",
            "presence:ping",
            "Report an activity, so that the person does not become idle",
            schema_of::<AnyObject>,
            empty,
        ),
        reply: reply("reply_presence_ping", "The activity was recorded", schema_of::<EmptyObject>, empty),
    },
];

const fn request(
    key: &'static str,
    name: &'static str,
    summary: &'static str,
    payload: SchemaFn,
    example: fn() -> Value,
) -> CatalogueMessage {
    CatalogueMessage { key, name, plain: Some(name), summary, payload, example, durable: false }
}

pub(super) const fn reply(
    key: &'static str,
    summary: &'static str,
    payload: SchemaFn,
    example: fn() -> Value,
) -> CatalogueMessage {
    CatalogueMessage {
        key,
        name: "phx_reply",
        plain: Some("reply"),
        summary,
        payload,
        example,
        durable: false,
    }
}

pub(super) fn empty() -> Value {
    json!({})
}

fn send() -> Value {
    json!({"client_id": "0198c0de-0000-7000-8000-000000000002", "content": "Bonjour, où en est ma commande ?",
        "related": {"type": "order", "id": "A-1042", "preview": {"title": "Commande A-1042", "subtitle": null,
            "url": "/orders/A-1042", "image_url": null}},
        "client_message_id": "0198c0de-0000-7000-8000-00000000000c"})
}

fn sent() -> Value {
    let mut message = events::message();
    if let Some(message) = message.as_object_mut() {
        let counterpart = json!({"status": "offline", "last_seen": "2026-01-02T09:12:00.000Z",
            "message": "Emma Laurent vous répondra dès que possible."});
        message.insert("counterpart".to_owned(), counterpart);
    }
    message
}

pub fn read() -> Value {
    json!({"message_id": "0198c0de-0000-7000-8000-00000000000a"})
}

pub fn read_state() -> Value {
    json!({"conversation_id": "0198c0de-0000-7000-8000-000000000003", "up_to_seq": 12, "unread_count": 0,
        "total": 2})
}

fn ack() -> Value {
    json!({"id": "0198c0de-0000-7000-8000-00000000000e"})
}

fn acknowledged() -> Value {
    let mut read = events::notification();
    if let Some(read) = read.as_object_mut() {
        let now = json!({"status": "read", "is_read": true, "read_at": "2026-01-02T10:00:05.000Z"});
        read.extend(now.as_object().cloned().unwrap_or_default());
    }
    read
}

fn typing() -> Value {
    json!({"client_id": "0198c0de-0000-7000-8000-000000000002", "typing": true})
}
