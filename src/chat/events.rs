//! The events that chat publishes: durable events on `chat:room:{client}` or `chat:direct:{conversation}`, copied to
//! `user:{id}` of every recipient, and unread counters for the people whose counters changed.

use guichet_base::id::{ConversationId, MessageId, TenantId, UserId};
use guichet_base::{Actor, Error, Result, Timestamp};
use guichet_realtime::{Event, SideEvent, Signal};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::chat::model::{Message, ReadState};
use crate::chat::payload::{DeliveredPayload, MessagePayload, ReadPayload, TypingPayload, UnreadPayload};
use crate::chat::person_topic;
use crate::chat::place::ConversationPlace;
use crate::chat::store::UnreadRecipient;

pub const NEW: &str = "messaging:new";
pub const UPDATED: &str = "messaging:updated";
pub const DELETED: &str = "messaging:deleted";
pub const READ: &str = "messaging:read";
pub const DELIVERED: &str = "messaging:delivered";
pub const TYPING: &str = "messaging:typing";
pub const UNREAD: &str = "messaging:unread";

/// Event names that only guichet may emit.
pub const EVENTS: [&str; 7] = [NEW, UPDATED, DELETED, READ, DELIVERED, TYPING, UNREAD];

pub fn message_payload(message: &Message) -> Result<Value> {
    serde_json::to_value(MessagePayload { message }).map_err(Error::internal)
}

/// `message` is the message at `up_to_seq`.
pub fn read_payload(
    actor: &Actor,
    conversation: ConversationId,
    up_to_seq: i64,
    message: Option<MessageId>,
    read_at: Timestamp,
) -> Value {
    let (conversation_id, reader_id) = (conversation, actor.user);
    json!(ReadPayload { conversation_id, reader_id, up_to_seq, message_id: message, read_at })
}

pub fn delivered_payload(conversation: ConversationId, up_to_seq: i64, delivered_at: Timestamp) -> Value {
    json!(DeliveredPayload { conversation_id: conversation, up_to_seq, delivered_at })
}

pub fn typing_payload(conversation: ConversationId, user: UserId, typing: bool) -> Value {
    json!(TypingPayload { conversation_id: conversation, user_id: user, typing })
}

/// A durable event of a conversation with the topic number `seq`. Its recipients are added later.
pub fn durable_event(
    tenant: TenantId,
    place: &ConversationPlace,
    seq: i64,
    name: &str,
    payload: &Value,
) -> Result<Event> {
    Ok(Event {
        tenant,
        id: Uuid::now_v7(),
        topic: place.topic().into(),
        seq,
        name: name.into(),
        payload: to_raw(payload)?,
        copies: Vec::new(),
        side_events: Vec::new(),
        client: place.client(),
    })
}

/// An ephemeral event in a conversation, copied to `user:{id}` of `people`.
pub fn signal(
    tenant: TenantId,
    place: &ConversationPlace,
    name: &str,
    payload: &Value,
    people: impl IntoIterator<Item = UserId>,
) -> Result<Signal> {
    Ok(Signal {
        tenant,
        topic: place.topic().into(),
        name: name.into(),
        payload: to_raw(payload)?,
        copies: people.into_iter().map(person_topic).map(Into::into).collect(),
    })
}

/// `messaging:unread` for each person whose counter changed.
pub fn unread_events(conversation: ConversationId, recipients: &[UnreadRecipient]) -> Result<Vec<SideEvent>> {
    recipients
        .iter()
        .map(|recipient| {
            let payload =
                to_raw(&unread_payload(conversation, recipient.unread_count.into(), recipient.total))?;
            Ok(SideEvent { topic: person_topic(recipient.user_id).into(), event: UNREAD.into(), payload })
        })
        .collect()
}

/// `messaging:unread` for one person whose counter changed without a message in the room.
pub fn unread_signal(tenant: TenantId, user: UserId, state: &ReadState) -> Result<Signal> {
    let payload = to_raw(&unread_payload(state.conversation_id, state.unread_count, state.total))?;
    Ok(Signal { tenant, topic: person_topic(user).into(), name: UNREAD.into(), payload, copies: Vec::new() })
}

fn unread_payload(conversation: ConversationId, unread_count: i64, total: i64) -> Value {
    json!(UnreadPayload { conversation_id: conversation, unread_count, total })
}

fn to_raw(payload: &Value) -> Result<Box<RawValue>> {
    serde_json::value::to_raw_value(payload).map_err(Error::internal)
}

pub fn read_state(conversation: ConversationId, up_to_seq: i64, own: Option<&UnreadRecipient>) -> ReadState {
    ReadState {
        conversation_id: conversation,
        up_to_seq,
        unread_count: own.map_or(0, |recipient| recipient.unread_count.into()),
        total: own.map_or(0, |recipient| recipient.total),
    }
}
