//! Messages: history, send, edit, delete, read.

use actix_web::web::Data;
use actix_web::{delete, get, patch, post, put};
use guichet_base::id::{ClientId, ConversationId, MessageId};
use guichet_base::{Actor, Error, Result};
use serde_json::json;

use super::dto::{EditBody, HistoryQuery, SendBody};
use crate::chat::Chat;
use crate::chat::model::{Message, MessageBody, ReadState, RoomRef, SendAnswer};
use crate::chat::service::{self, ReadTarget};
use crate::chat::store::{HistoryPage, HistoryRange};
use crate::web::idempotency::{IdempotencyKey, IdempotentRequest};
use crate::web::{Caller, Json, Path, Query, Reply};

/// List the messages of a conversation, oldest first
///
/// `meta.head` is the topic number of the same snapshot: join the room's topic with `after_seq = head` to miss
/// nothing in between.
#[utoipa::path(tag = "chat", operation_id = "list_messages", params(("id" = ConversationId, Path), HistoryQuery),
    responses((status = 200, body = [Message])))]
#[get("/conversations/{id}/messages")]
pub(super) async fn list_of_conversation(
    chat: Data<Chat>,
    caller: Caller,
    path: Path<ConversationId>,
    query: Query<HistoryQuery>,
) -> Result<Reply<Vec<Message>>> {
    history(&chat, &caller, RoomRef::Conversation(path.0), &query.0).await
}

/// List the messages of a client's room, oldest first
#[utoipa::path(tag = "chat", operation_id = "list_client_messages", params(("id" = ClientId, Path), HistoryQuery),
    responses((status = 200, body = [Message])))]
#[get("/clients/{id}/messages")]
pub(super) async fn list_of_client(
    chat: Data<Chat>,
    caller: Caller,
    path: Path<ClientId>,
    query: Query<HistoryQuery>,
) -> Result<Reply<Vec<Message>>> {
    history(&chat, &caller, RoomRef::Client(path.0), &query.0).await
}

pub async fn history(
    chat: &Chat,
    actor: &Actor,
    room: RoomRef,
    query: &HistoryQuery,
) -> Result<Reply<Vec<Message>>> {
    let (cut, limit) = query.parse()?;
    let window = service::history(chat, actor, room, cut, limit).await?;
    let (has_before, has_after) = has_more_around(&window, cut);
    let meta = json!({"limit": limit, "has_before": has_before, "has_after": has_after, "head": window.head});
    Ok(Reply::ok(window.messages).meta(meta))
}

/// Whether the conversation continues before and after a page. In the direction of reading, the query looked one
/// message further; in the other, the cursor shows it.
fn has_more_around(window: &HistoryPage, cut: HistoryRange) -> (bool, bool) {
    let first = window.messages.first().map(|m| m.seq);
    let last = window.messages.last().map(|m| m.seq);
    match cut {
        HistoryRange::Newest => (window.has_more, false),
        HistoryRange::Before(_) => (window.has_more, last.unwrap_or(0) < window.last_seq),
        HistoryRange::After(_) => (first.unwrap_or(window.last_seq.saturating_add(1)) > 1, window.has_more),
        HistoryRange::ChangedAfter(number) => (number > 0, window.has_more),
    }
}

/// Send a message to a conversation
#[utoipa::path(tag = "chat", operation_id = "send_message", params(("id" = ConversationId, Path)), request_body = SendBody,
    responses((status = 201, body = SendAnswer), (status = 200, description = "A repeat: the first message", body = SendAnswer)))]
#[post("/conversations/{id}/messages")]
pub(super) async fn send_to_conversation(
    chat: Data<Chat>,
    caller: Caller,
    key: IdempotencyKey,
    path: Path<ConversationId>,
    body: Json<SendBody>,
) -> Result<Reply<SendAnswer>> {
    send(&chat, &caller, key.bind_body(&body.0)?, RoomRef::Conversation(path.0), body.0).await
}

/// Send a message to a client's room
#[utoipa::path(tag = "chat", operation_id = "send_client_message", params(("id" = ClientId, Path)), request_body = SendBody,
    responses((status = 201, body = SendAnswer), (status = 200, description = "A repeat: the first message", body = SendAnswer)))]
#[post("/clients/{id}/messages")]
pub(super) async fn send_to_client(
    chat: Data<Chat>,
    caller: Caller,
    key: IdempotencyKey,
    path: Path<ClientId>,
    body: Json<SendBody>,
) -> Result<Reply<SendAnswer>> {
    send(&chat, &caller, key.bind_body(&body.0)?, RoomRef::Client(path.0), body.0).await
}

/// Sends a message to any room. Also serves AfriTalk's endpoint.
pub async fn send(
    chat: &Chat,
    actor: &Actor,
    once: IdempotentRequest,
    room: RoomRef,
    body: SendBody,
) -> Result<Reply<SendAnswer>> {
    let outcome = service::send(chat, actor, once, body.into_command(room)?).await?;
    let reply = if outcome.repeated { Reply::ok(outcome.sent) } else { Reply::created(outcome.sent) };
    Ok(if outcome.replayed { reply.replayed() } else { reply })
}

/// Edit a message
///
/// Its author may, within the edit window.
#[utoipa::path(tag = "chat", operation_id = "edit_message", params(("id" = MessageId, Path)), request_body = EditBody,
    responses((status = 200, body = Message), (status = 403, description = "EDIT_WINDOW_CLOSED")))]
#[patch("/messages/{id}")]
pub(super) async fn edit(
    chat: Data<Chat>,
    caller: Caller,
    path: Path<MessageId>,
    body: Json<EditBody>,
) -> Result<Reply<Message>> {
    let words = MessageBody::parse(body.0.content).map_err(|fault| Error::validation(vec![fault]))?;
    Ok(Reply::ok(service::edit(&chat, &caller, path.0, words).await?))
}

/// Delete a message
///
/// Its author may within the edit window, an owner at any time. A tombstone stays.
#[utoipa::path(tag = "chat", operation_id = "delete_message", params(("id" = MessageId, Path)),
    responses((status = 200, body = Message), (status = 403, description = "EDIT_WINDOW_CLOSED")))]
#[delete("/messages/{id}")]
pub(super) async fn delete(
    chat: Data<Chat>,
    caller: Caller,
    path: Path<MessageId>,
) -> Result<Reply<Message>> {
    Ok(Reply::ok(service::delete(&chat, &caller, path.0).await?))
}

/// Mark a message and all before it as read
#[utoipa::path(tag = "chat", operation_id = "mark_message_read", params(("id" = MessageId, Path)), responses((status = 200, body = ReadState)))]
#[put("/messages/{id}/read")]
pub(super) async fn mark_read(
    chat: Data<Chat>,
    caller: Caller,
    path: Path<MessageId>,
) -> Result<Reply<ReadState>> {
    Ok(Reply::ok(service::mark_read(&chat, &caller, ReadTarget::Message(path.0)).await?))
}
