//! What chat's events say: the payloads as they travel, typed, so that they are described from what is sent.

use guichet_base::Timestamp;
use guichet_base::id::{ConversationId, MessageId, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::chat::model::Message;

/// `messaging:new`, `messaging:updated`, `messaging:deleted`: the message as it is now.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageTold<'a> {
    pub message: &'a Message,
}

/// `messaging:read`: somebody has read up to a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadTold {
    pub conversation_id: ConversationId,
    pub reader_id: UserId,
    /// The `seq` of the last message that was read.
    #[schema(example = 12)]
    pub up_to_seq: i64,
    /// The message at `up_to_seq`, where the reading names one.
    #[schema(required)]
    pub message_id: Option<MessageId>,
    pub read_at: Timestamp,
}

/// `messaging:delivered`: a device of the other side has everything up to a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveredTold {
    pub conversation_id: ConversationId,
    #[schema(example = 12)]
    pub up_to_seq: i64,
    pub delivered_at: Timestamp,
}

/// `messaging:typing`: somebody types, or no longer does.
#[derive(Debug, Serialize, ToSchema)]
pub struct TypingTold {
    pub conversation_id: ConversationId,
    pub user_id: UserId,
    pub typing: bool,
}

/// `messaging:unread`: a person's own counters, after they moved.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnreadPayload {
    pub conversation_id: ConversationId,
    #[schema(example = 1)]
    pub unread_count: i64,
    /// Over all conversations that the person is counted for.
    #[schema(example = 3)]
    pub total: i64,
}
