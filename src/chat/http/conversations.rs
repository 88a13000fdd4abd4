//! Conversations: list, open, read, type, follow, draft.

use actix_web::web::Data;
use actix_web::{delete, get, post, put};
use guichet_base::id::ConversationId;
use guichet_base::{Actor, Result};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::dto::{DraftBody, OpenBody, ReadBody, TypingBody};
use crate::chat::Chat;
use crate::chat::model::{Conversation, ReadState, RoomRef, UnreadRooms};
use crate::chat::service::{self, Draft, ListRequest, ListScope, ReadTarget};
use crate::chat::store::ListOrder;
use crate::web::{Caller, Json, JsonOrEmpty, Path, Query, Reply, Validator};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ConversationQuery {
    /// `recent` (default), `unread`, or `online` (rooms with people online first, then recent).
    sort: Option<String>,
    /// `all` (default): every room that the caller may see. `mine`: the rooms that count for the caller.
    scope: Option<String>,
    /// Words in the name of a client, a member or a colleague, or in messages.
    search: Option<String>,
    /// 1–200; the default is 50.
    limit: Option<i64>,
    /// The default is 0.
    offset: Option<i64>,
}

impl ConversationQuery {
    fn parse(self) -> Result<ListRequest> {
        let mut check = Validator::new();
        let order = check.parse_enum("sort", self.sort.as_deref().unwrap_or("recent"), |word| match word {
            "recent" => Some(ListOrder::Recent),
            "unread" => Some(ListOrder::Unread),
            "online" => Some(ListOrder::Online),
            _ => None,
        });
        let scope = check.parse_enum("scope", self.scope.as_deref().unwrap_or("all"), |word| match word {
            "all" => Some(ListScope::All),
            "mine" => Some(ListScope::Mine),
            _ => None,
        });
        let search = check.text_opt("search", self.search, 1..=200);
        let page = check.page(self.limit, self.offset);
        check.finish()?;
        Ok(ListRequest {
            order: order.unwrap_or(ListOrder::Recent),
            scope: scope.unwrap_or_default(),
            search,
            page,
        })
    }
}

/// List the caller's conversations
#[utoipa::path(tag = "chat", operation_id = "list_conversations", params(ConversationQuery), responses((status = 200, body = [Conversation])))]
#[get("/conversations")]
pub(super) async fn list(
    chat: Data<Chat>,
    caller: Caller,
    query: Query<ConversationQuery>,
) -> Result<Reply<Vec<Conversation>>> {
    list_reply(&chat, &caller, query.0).await
}

/// A page of the conversations of `actor`. Also serves AfriTalk's list.
pub async fn list_reply(
    chat: &Chat,
    actor: &Actor,
    query: ConversationQuery,
) -> Result<Reply<Vec<Conversation>>> {
    let wanted = query.parse()?;
    let page = wanted.page;
    Ok(Reply::page(service::list(chat, actor, wanted).await?, page, None))
}

/// Open a conversation
///
/// With a client: its room, which always exists. With a colleague: the direct conversation, created on first use.
#[utoipa::path(tag = "chat", operation_id = "open_conversation", request_body = OpenBody,
    responses((status = 200, description = "It already exists", body = Conversation),
        (status = 201, description = "Created now, with a colleague", body = Conversation)))]
#[post("/conversations")]
pub(super) async fn open(
    chat: Data<Chat>,
    caller: Caller,
    body: Json<OpenBody>,
) -> Result<Reply<Conversation>> {
    let (conversation, is_new) = service::open(&chat, &caller, body.0.room()?).await?;
    Ok(if is_new { Reply::created(conversation) } else { Reply::ok(conversation) })
}

/// Get a conversation
#[utoipa::path(tag = "chat", operation_id = "read_conversation", params(("id" = ConversationId, Path)), responses((status = 200, body = Conversation)))]
#[get("/conversations/{id}")]
pub(super) async fn get(
    chat: Data<Chat>,
    caller: Caller,
    path: Path<ConversationId>,
) -> Result<Reply<Conversation>> {
    Ok(Reply::ok(service::read_one(&chat, &caller, RoomRef::Conversation(path.0)).await?))
}

/// Count unread messages, in total and by room
#[utoipa::path(tag = "chat", operation_id = "count_unread", responses((status = 200, body = UnreadRooms)))]
#[get("/conversations/unread-count")]
pub(super) async fn unread_count(chat: Data<Chat>, caller: Caller) -> Result<Reply<UnreadRooms>> {
    Ok(Reply::ok(service::unread_count(&chat, &caller).await?))
}

/// Mark messages as read
///
/// The read position only moves forward.
#[utoipa::path(tag = "chat", operation_id = "mark_conversation_read", params(("id" = ConversationId, Path)), request_body = ReadBody,
    responses((status = 200, body = ReadState)))]
#[post("/conversations/{id}/read")]
pub(super) async fn mark_read(
    chat: Data<Chat>,
    caller: Caller,
    path: Path<ConversationId>,
    body: JsonOrEmpty<ReadBody>,
) -> Result<Reply<ReadState>> {
    let mut check = Validator::new();
    let up_to = match body.0.up_to_seq {
        None => ReadTarget::End(path.0),
        Some(seq) => ReadTarget::Seq(path.0, check.range("up_to_seq", seq, 0..=i64::MAX)),
    };
    check.finish()?;
    Ok(Reply::ok(service::mark_read(&chat, &caller, up_to).await?))
}

/// Show the room that the caller is typing
///
/// The indicator ends by itself after 5 s.
#[utoipa::path(tag = "chat", operation_id = "set_typing", params(("id" = ConversationId, Path)), request_body = TypingBody,
    responses((status = 200, body = Object)))]
#[post("/conversations/{id}/typing")]
pub(super) async fn typing(
    chat: Data<Chat>,
    caller: Caller,
    path: Path<ConversationId>,
    body: Json<TypingBody>,
) -> Result<Reply<serde_json::Value>> {
    service::set_typing(&chat, &caller, RoomRef::Conversation(path.0), body.0.typing).await?;
    Ok(Reply::ok(json!({})))
}

/// Open a conversation with a suggested first message about an entity
#[utoipa::path(tag = "chat", operation_id = "draft_message", request_body = DraftBody, responses((status = 200, body = Draft)))]
#[post("/conversations/draft")]
pub(super) async fn draft(chat: Data<Chat>, caller: Caller, body: Json<DraftBody>) -> Result<Reply<Draft>> {
    let (room, related) = body.0.parse()?;
    Ok(Reply::ok(service::draft(&chat, &caller, room, related).await?))
}

/// Follow a room
///
/// The caller, an operator, receives its events and has it in their unread counters from now on.
#[utoipa::path(tag = "chat", operation_id = "follow_conversation", params(("id" = ConversationId, Path)), responses((status = 200, body = Conversation)))]
#[put("/conversations/{id}/follow")]
pub(super) async fn follow(
    chat: Data<Chat>,
    caller: Caller,
    path: Path<ConversationId>,
) -> Result<Reply<Conversation>> {
    Ok(Reply::ok(service::follow(&chat, &caller, RoomRef::Conversation(path.0), true).await?))
}

/// Stop following a room
///
/// The operator in charge, the client's team and the two people of a direct conversation receive its events in any
/// case.
#[utoipa::path(tag = "chat", operation_id = "unfollow_conversation", params(("id" = ConversationId, Path)), responses((status = 200, body = Conversation)))]
#[delete("/conversations/{id}/follow")]
pub(super) async fn unfollow(
    chat: Data<Chat>,
    caller: Caller,
    path: Path<ConversationId>,
) -> Result<Reply<Conversation>> {
    Ok(Reply::ok(service::follow(&chat, &caller, RoomRef::Conversation(path.0), false).await?))
}
