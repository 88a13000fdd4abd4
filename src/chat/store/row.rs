//! A message joined with its author.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use guichet_base::Timestamp;
use guichet_base::id::{ClientId, ConversationId, MessageId, UserId};
use guichet_base::role::UserType;
use serde_json::Value;
use uuid::Uuid;

use crate::chat::model::{Message, MessageState, RelatedEntity};

/// The columns of a message `m` and of its author `u`, as [`MessageRow`] reads them.
macro_rules! message_columns {
    () => {
        "m.id, m.conversation_id, m.client_id, m.operator_id, m.seq, m.changed_seq, m.sender_id, m.sender_type, \
         u.display_name AS sender_name, u.avatar_url AS sender_avatar_url, m.content, m.related_entity_type, \
         m.related_entity_id, m.related_preview, m.client_message_id, m.delivered_at, m.read_at, m.edited_at, \
         m.deleted_at, m.created_at"
    };
}
pub(super) use message_columns;

#[derive(QueryableByName)]
pub struct MessageRow {
    #[diesel(sql_type = SqlUuid)]
    id: MessageId,
    #[diesel(sql_type = SqlUuid)]
    conversation_id: ConversationId,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    client_id: Option<ClientId>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    operator_id: Option<UserId>,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = BigInt)]
    changed_seq: i64,
    #[diesel(sql_type = SqlUuid)]
    sender_id: UserId,
    #[diesel(sql_type = Text)]
    sender_type: String,
    #[diesel(sql_type = Nullable<Text>)]
    sender_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    sender_avatar_url: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    content: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    related_entity_type: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    related_entity_id: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    related_preview: Option<Value>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    client_message_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    delivered_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    read_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    edited_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    deleted_at: Option<Timestamp>,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
}

impl From<MessageRow> for Message {
    fn from(row: MessageRow) -> Self {
        let gone = row.deleted_at.is_some();
        let related = match (row.related_entity_type, row.related_entity_id) {
            (Some(kind), Some(id)) if !gone => Some(RelatedEntity { kind, id, preview: row.related_preview }),
            _ => None,
        };
        Message {
            id: row.id,
            conversation_id: row.conversation_id,
            client_id: row.client_id,
            operator_id: row.operator_id,
            seq: row.seq,
            changed_seq: row.changed_seq,
            sender_id: row.sender_id,
            sender_type: if row.sender_type == "client" { UserType::Client } else { UserType::Operator },
            sender_name: row.sender_name,
            sender_avatar_url: row.sender_avatar_url,
            content: row.content.filter(|_| !gone),
            related,
            client_message_id: row.client_message_id,
            state: state(row.delivered_at, row.read_at),
            delivered_at: row.delivered_at,
            read_at: row.read_at,
            edited_at: row.edited_at,
            deleted_at: row.deleted_at,
            created_at: row.created_at,
        }
    }
}

fn state(delivered_at: Option<Timestamp>, read_at: Option<Timestamp>) -> MessageState {
    match (read_at, delivered_at) {
        (Some(_), _) => MessageState::Read,
        (None, Some(_)) => MessageState::Delivered,
        (None, None) => MessageState::Sent,
    }
}
