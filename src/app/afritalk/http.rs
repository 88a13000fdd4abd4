//! The endpoints of AfriTalk's front end: the use cases of chat, presence and notifications, in its names.
//!
//! It adds no rules. Requests are parsed in camelCase, responses are [converted](super::response_to_afritalk). The tenant in
//! the path must be the token's, which `AfriTalkCaller` checks before anything else of the request is read.

use actix_web::web::Data;
use actix_web::{get, post, put};
use guichet_base::id::{MessageId, TenantId, UserId};
use guichet_base::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::extract::{AfriTalkCaller, AfriTalkReply};
use super::feed;
use crate::chat::Chat;
use crate::chat::http::{self as chat, ConversationQuery, HistoryQuery, SendBody};
use crate::chat::model::{Conversation, Message, ReadState, RelatedEntity, RoomRef, SendAnswer};
use crate::chat::service::{self, ReadTarget};
use crate::directory::Directory;
use crate::directory::presence::{self, PresenceQuery, PresenceView};
use crate::web::idempotency::IdempotencyKey;
use crate::web::{Json, Path, Query, Reply};

/// Whether a path is one of AfriTalk's.
pub fn is_afritalk_path(path: &str) -> bool {
    ["/api/tenants/", "/api/v1/tenants/"].iter().any(|base| path.starts_with(base))
}

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(conversations).service(conversation).service(send).service(read).service(list_presence);
    config.service(feed::notifications).service(feed::read);
}

/// List the caller's conversations in AfriTalk's names
///
/// Latest message first, with unread counts.
#[utoipa::path(tag = "afritalk", operation_id = "afritalk_list_conversations", params(("tenantId" = TenantId, Path), ConversationQuery),
    responses((status = 200, body = [Conversation])))]
#[get("/tenants/{tenantId}/messaging/conversations")]
async fn conversations(
    here: AfriTalkCaller,
    chat: Data<Chat>,
    query: Query<ConversationQuery>,
) -> Result<AfriTalkReply<Vec<Conversation>>> {
    chat::list_reply(&chat, &here, query.0).await.map(AfriTalkReply)
}

/// The messages to return. At most one of `before`, `after`, `changedAfter`.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct AfriTalkHistoryQuery {
    /// 1–200; the default is 50.
    limit: Option<i64>,
    /// The messages directly before this `seq`.
    before: Option<i64>,
    /// The messages directly after this `seq`.
    after: Option<i64>,
    /// The messages that changed after this topic number, in the order of change, including tombstones.
    changed_after: Option<i64>,
}

/// List the messages exchanged with a colleague, oldest first
///
/// The conversation is created on first use.
#[utoipa::path(tag = "afritalk", operation_id = "afritalk_list_messages",
    params(("tenantId" = TenantId, Path), ("userId" = UserId, Path), AfriTalkHistoryQuery), responses((status = 200, body = [Message])))]
#[get("/tenants/{tenantId}/messaging/conversation/{userId}")]
async fn conversation(
    here: AfriTalkCaller,
    chat: Data<Chat>,
    path: Path<(TenantId, UserId)>,
    query: Query<AfriTalkHistoryQuery>,
) -> Result<AfriTalkReply<Vec<Message>>> {
    let AfriTalkHistoryQuery { limit, before, after, changed_after } = query.0;
    let query = HistoryQuery { limit, before, after, changed_after };
    let with = RoomRef::Person(path.0.1);
    let found = chat::history(&chat, &here, with, &query).await;
    let page = match found {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let made = service::open(&chat, &here, with).await.map_err(hide_unknown_colleague)?;
            chat::history(&chat, &here, RoomRef::Conversation(made.0.id), &query).await
        }
        found => found,
    };
    page.map(AfriTalkReply)
}

/// An id in the path that names no colleague names no page: 404.
fn hide_unknown_colleague(error: Error) -> Error {
    if error.kind() == ErrorKind::Validation { Error::not_found("conversation") } else { error }
}

/// A message to a colleague.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({"toUserId": "0198c0de-0000-7000-8000-000000000001", "content": "Bonjour, où en est la vente ?",
    "related": {"type": "sale", "id": "V-1042", "preview": {"title": "Vente V-1042"}}}))]
struct MessageToSend {
    to_user_id: UserId,
    /// 1–10,000 characters after trimming; kept as sent.
    content: String,
    #[serde(default)]
    related: Option<RelatedEntity>,
    /// With `relatedEntityId`, in place of `related`.
    #[serde(default)]
    related_entity_type: Option<String>,
    #[serde(default)]
    related_entity_id: Option<String>,
    /// A UUID chosen by the sender. Sending it again returns the first message (200).
    #[serde(default)]
    client_message_id: Option<Uuid>,
}

impl MessageToSend {
    fn into_send_body(self) -> Result<SendBody> {
        let related = match (self.related, self.related_entity_type, self.related_entity_id) {
            (related, None, None) => related,
            (None, Some(kind), Some(id)) => Some(RelatedEntity { kind, id, preview: None }),
            (None, None, Some(_)) => return Err(Error::invalid("related_entity_type", "missing")),
            (None, Some(_), None) => return Err(Error::invalid("related_entity_id", "missing")),
            (Some(_), ..) => return Err(Error::invalid("related", "ambiguous")),
        };
        Ok(SendBody { content: self.content, related, client_message_id: self.client_message_id })
    }
}

/// Send a message to a colleague
#[utoipa::path(tag = "afritalk", operation_id = "afritalk_send_message", params(("tenantId" = TenantId, Path)), request_body = MessageToSend,
    responses((status = 201, body = SendAnswer), (status = 200, description = "A repeat: the first message", body = SendAnswer)))]
#[post("/tenants/{tenantId}/messaging/message")]
async fn send(
    here: AfriTalkCaller,
    chat: Data<Chat>,
    key: IdempotencyKey,
    body: Json<MessageToSend>,
) -> Result<AfriTalkReply<SendAnswer>> {
    let once = key.bind_body(&body.0)?;
    let to = RoomRef::Person(body.0.to_user_id);
    chat::send(&chat, &here, once, to, body.0.into_send_body()?).await.map(AfriTalkReply)
}

/// Mark a message and all before it as read
#[utoipa::path(tag = "afritalk", operation_id = "afritalk_mark_message_read",
    params(("tenantId" = TenantId, Path), ("messageId" = MessageId, Path)), responses((status = 200, body = ReadState)))]
#[put("/tenants/{tenantId}/messaging/{messageId}/read")]
async fn read(
    here: AfriTalkCaller,
    chat: Data<Chat>,
    path: Path<(TenantId, MessageId)>,
) -> Result<AfriTalkReply<ReadState>> {
    let state = service::mark_read(&chat, &here, ReadTarget::Message(path.0.1)).await?;
    Ok(AfriTalkReply(Reply::ok(state)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct AfriTalkPresenceQuery {
    /// Comma-separated ids, 200 at most. People that the caller may not see are left out.
    user_ids: Option<String>,
    /// 1–200; the default is 50. Not with `userIds`.
    limit: Option<i64>,
    /// The default is 0. Not with `userIds`.
    offset: Option<i64>,
}

/// List presence in AfriTalk's names
#[utoipa::path(tag = "afritalk", operation_id = "afritalk_list_presence", params(("tenantId" = TenantId, Path), AfriTalkPresenceQuery),
    responses((status = 200, body = [PresenceView])))]
#[get("/tenants/{tenantId}/presence")]
async fn list_presence(
    here: AfriTalkCaller,
    directory: Data<Directory>,
    query: Query<AfriTalkPresenceQuery>,
) -> Result<AfriTalkReply<Vec<PresenceView>>> {
    let AfriTalkPresenceQuery { user_ids, limit, offset } = query.0;
    presence::list(&directory, &here, PresenceQuery { user_ids, limit, offset }).await.map(AfriTalkReply)
}
