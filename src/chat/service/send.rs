//! Sending a message, from REST and from sockets.

use std::sync::Arc;
use std::time::Instant;

use guichet_base::id::{MessageId, UserId};
use guichet_base::role::UserType;
use guichet_base::{Actor, Error, PresenceStatus, Result, Timestamp};
use guichet_db::Tx;
use uuid::Uuid;

use crate::activity::{ActivityAction, ActivityEntry};
use crate::chat::model::{self, Message, MessageBody, MessageState, RelatedEntity, RoomRef, SendAnswer};
use crate::chat::place::ConversationPlace;
use crate::chat::service::{counterpart, direct};
use crate::chat::store::{self, NewMessage, SendContext, SendEvent, UnreadRecipient};
use crate::chat::{Chat, events, person_topic, policy};
use crate::config::Feature;
use crate::directory::FeatureSet;
use crate::notifications::chat_source;
use crate::telemetry::metric_names::{MESSAGE_DELIVERY_SECONDS, MESSAGES_SENT};
use crate::web::idempotency::{IdempotentRequest, Replayable};

/// A message to send.
#[derive(Debug, Clone)]
pub struct SendMessage {
    pub room: RoomRef,
    pub body: MessageBody,
    pub related: Option<RelatedEntity>,
    /// Chosen by the sender. A second send with the same id is a retry and returns the first message.
    pub client_message_id: Option<Uuid>,
}

/// The result of a send, or of an earlier copy of the same request.
pub struct SendOutcome {
    pub sent: SendAnswer,
    pub repeated: bool,
    /// The response was stored by the first request with this `Idempotency-Key`.
    pub replayed: bool,
}

/// What the transaction produced, for the response.
#[derive(serde::Serialize, serde::Deserialize)]
struct CommittedSend {
    message: Message,
    repeated: bool,
    others: Vec<UserId>,
    operator_name: Option<String>,
    /// When the last of the others was seen, if none is present.
    last_seen: Option<Timestamp>,
}

pub async fn send(
    chat: &Chat,
    actor: &Actor,
    once: IdempotentRequest,
    command: SendMessage,
) -> Result<SendOutcome> {
    let features = chat.check_access(actor).await?;
    policy::may_name(&features, command.room)?;
    let arrived = Instant::now();
    let (task, by, command) = (chat.clone(), actor.clone(), Arc::new(command));
    let done: Replayable<CommittedSend> = chat
        .db
        .write(actor, move |tx| {
            once.run_once(tx, |tx| {
                let context = load_send_context(tx, &by, &features, &command)?;
                write_message(&task, tx, &by, (&features, &command), context, arrived)
            })
        })
        .await?;
    let replayed = done.replayed;
    let written = done.value;
    let counterpart = counterpart::counterpart_of(
        chat,
        actor,
        &written.others,
        written.operator_name.as_deref(),
        written.last_seen,
    );
    let repeated = written.repeated;
    if !repeated && !replayed {
        metrics::counter!(MESSAGES_SENT).increment(1);
    }
    Ok(SendOutcome { sent: SendAnswer { message: written.message, counterpart }, repeated, replayed })
}

/// Loads the context of the send. The first message to a colleague creates the conversation.
fn load_send_context(
    tx: &mut Tx<'_>,
    actor: &Actor,
    features: &FeatureSet,
    command: &SendMessage,
) -> Result<SendContext> {
    let find =
        |tx: &mut Tx<'_>| store::load_send_context(tx.conn(), actor, command.room, command.client_message_id);
    let found = match (find(tx)?, command.room) {
        (None, RoomRef::Person(peer)) => {
            direct::open(tx, actor, peer, "to_user_id")?;
            find(tx)?
        }
        (found, _) => found,
    };
    let context = found.ok_or_else(|| Error::not_found("conversation"))?;
    policy::may_enter(features, &context.place)?;
    Ok(context)
}

fn write_message(
    chat: &Chat,
    tx: &mut Tx<'_>,
    actor: &Actor,
    (features, command): (&FeatureSet, &SendMessage),
    context: SendContext,
    arrived: Instant,
) -> Result<CommittedSend> {
    if let Some(first) = context.repeat_of {
        let message = store::message(tx.conn(), actor.tenant, first)?;
        model::check_repeat(&message, &command.body, command.related.as_ref())?;
        let (others, last_seen) = load_others(tx, actor, &context)?;
        let operator_name = context.operator_name;
        return Ok(CommittedSend { message, repeated: true, others, operator_name, last_seen });
    }
    match context.place.client() {
        // An operator who writes in a room receives its events from then on.
        Some(client) if actor.role.is_operator() && !context.follows => {
            store::follow(tx.conn(), client, true)?;
        }
        Some(_) => {}
        None => direct::check_may_write(tx, actor, &context.place, Some(command.room))?,
    }
    let message = insert(chat, tx, actor, command, &context)?;
    let recipients = publish_message(chat, tx, actor, (&context.place, &message), arrived)?;
    if features.is_on(Feature::Notifications) {
        notify(chat, tx, actor, (&context, &message), &recipients)?;
    }
    let across = |recipient: &&UnreadRecipient| {
        context.place.is_other_side(actor, recipient.user_id, recipient.side())
    };
    let mut others: Vec<UserId> =
        recipients.iter().filter(across).map(|recipient| recipient.user_id).collect();
    let mut last_seen = None;
    if !others.iter().any(|user| chat.hub.status(actor.tenant, *user) > PresenceStatus::Offline) {
        // Only needed while no one of the other side is present, which the hub knows without a query.
        (others, last_seen) = load_others(tx, actor, &context)?;
    }
    Ok(CommittedSend { message, repeated: false, others, operator_name: context.operator_name, last_seen })
}

/// The people of the other side, and when the last of them was seen.
fn load_others(
    tx: &mut Tx<'_>,
    actor: &Actor,
    context: &SendContext,
) -> Result<(Vec<UserId>, Option<Timestamp>)> {
    let mut people = store::room_people(tx.conn(), context.place.conversation)?;
    people.retain(|person| context.place.is_other_side(actor, person.user_id, person.side()));
    let last_seen = people.iter().filter_map(|person| person.last_seen_at).max();
    Ok((people.into_iter().map(|person| person.user_id).collect(), last_seen))
}

fn insert(
    chat: &Chat,
    tx: &mut Tx<'_>,
    actor: &Actor,
    command: &SendMessage,
    context: &SendContext,
) -> Result<Message> {
    let sender_type = actor.role.user_type();
    let new = NewMessage {
        id: MessageId::new(),
        place: context.place,
        operator: match (context.place.client(), sender_type) {
            (None, _) => None,
            (Some(_), UserType::Operator) => Some(actor.user),
            (Some(_), UserType::Client) => context.operator_id,
        },
        body: &command.body,
        related: command.related.as_ref(),
        client_message_id: command.client_message_id,
        now: chat.clock.now(),
    };
    let (seq, changed_seq) = store::insert(tx, actor, &new)?;
    Ok(Message {
        id: new.id,
        conversation_id: new.place.conversation,
        client_id: new.place.client(),
        operator_id: new.operator,
        seq,
        changed_seq,
        sender_id: actor.user,
        sender_type,
        sender_name: context.sender_name.clone(),
        sender_avatar_url: context.sender_avatar_url.clone(),
        content: Some(command.body.as_str().to_owned()),
        related: command.related.clone(),
        client_message_id: command.client_message_id,
        state: MessageState::Sent,
        delivered_at: None,
        read_at: None,
        edited_at: None,
        deleted_at: None,
        created_at: new.now,
    })
}

fn publish_message(
    chat: &Chat,
    tx: &mut Tx<'_>,
    actor: &Actor,
    (place, message): (&ConversationPlace, &Message),
    arrived: Instant,
) -> Result<Vec<UnreadRecipient>> {
    let payload = events::message_payload(message)?;
    let mut event = events::durable_event(actor.tenant, place, message.changed_seq, events::NEW, &payload)?;
    let what = SendEvent {
        place: *place,
        topic: &event.topic,
        seq: event.seq,
        event_id: event.id,
        payload,
        log: ActivityEntry::new(ActivityAction::MessageSend, "message", message.id).to_event_log(actor),
    };
    let recipients = store::insert_send_event(tx, actor, what)?;
    event.copies =
        recipients.iter().map(|t| t.user_id).chain([actor.user]).map(person_topic).map(Into::into).collect();
    event.side_events = events::unread_events(message.conversation_id, &recipients)?;
    let hub = Arc::clone(&chat.hub);
    let event = Arc::new(event);
    tx.after_commit(move || {
        hub.publish(event);
        // The mailboxes of all subscribers have it now.
        metrics::histogram!(MESSAGE_DELIVERY_SECONDS).record(arrived.elapsed());
    });
    Ok(recipients)
}

/// Raises a notification for every recipient.
fn notify(
    chat: &Chat,
    tx: &mut Tx<'_>,
    actor: &Actor,
    (context, message): (&SendContext, &Message),
    recipients: &[UnreadRecipient],
) -> Result<()> {
    let written = chat_source::WrittenMessage {
        message: message.id,
        conversation: message.conversation_id,
        client: context.place.client().zip(context.client_name.as_deref()),
        sender_name: message.sender_name.as_deref().unwrap_or_default(),
        content: message.content.as_deref().unwrap_or_default(),
        viewers: chat.hub.live_users(actor.tenant, &context.place.topic()),
        recipients: recipients.iter().map(|recipient| recipient.user_id).collect(),
    };
    chat_source::notify(tx, &chat.notifications, actor, &written)
}
