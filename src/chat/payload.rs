//! The payloads of chat's events, as typed values, so that their description is generated from them.

use guichet_base::Timestamp;
use guichet_base::id::{ConversationId, MessageId, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::chat::model::Message;

/// `messaging:new`, `messaging:updated`, `messaging:deleted`: the current message.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessagePayload<'a> {
    pub message: &'a Message,
}

/// `messaging:read`: a person has read up to a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadPayload {
    pub conversation_id: ConversationId,
    pub reader_id: UserId,
    /// The `seq` of the last message that was read.
    #[schema(example = 12)]
    pub up_to_seq: i64,
    /// The message at `up_to_seq`, if the reader named one.
    #[schema(required)]
    pub message_id: Option<MessageId>,
    pub read_at: Timestamp,
}

/// `messaging:delivered`: a device of the other side has everything up to a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveredPayload {
    pub conversation_id: ConversationId,
    #[schema(example = 12)]
    pub up_to_seq: i64,
    pub delivered_at: Timestamp,
}

/// `messaging:typing`: a person started or stopped typing.
#[derive(Debug, Serialize, ToSchema)]
pub struct TypingPayload {
    pub conversation_id: ConversationId,
    pub user_id: UserId,
    pub typing: bool,
}

/// `messaging:unread`: a person's own counters after a change.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnreadPayload {
    pub conversation_id: ConversationId,
    #[schema(example = 1)]
    pub unread_count: i64,
    /// Over all conversations that count for the person.
    #[schema(example = 3)]
    pub total: i64,
}
