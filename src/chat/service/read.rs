//! Marking messages as read. The read position only moves forward.

use std::sync::Arc;

use guichet_base::id::{ConversationId, MessageId};
use guichet_base::{Actor, Result, Timestamp};
use guichet_db::Tx;
use serde_json::json;

use crate::activity::{ActivityAction, ActivityEntry};
use crate::chat::model::ReadState;
use crate::chat::store::{self, ChangeEvent, LockedConversation, UnreadRecipient};
use crate::chat::{Chat, events, person_topic, policy};
use crate::config::Feature;
use crate::directory::FeatureSet;
use crate::notifications::feed;
use crate::notifications::model::conversation_group;

/// The target of a read.
#[derive(Debug, Clone, Copy)]
pub enum ReadTarget {
    /// The end of the conversation.
    End(ConversationId),
    Seq(ConversationId, i64),
    /// This message and all before it.
    Message(MessageId),
}

pub async fn mark_read(chat: &Chat, actor: &Actor, up_to: ReadTarget) -> Result<ReadState> {
    let features = chat.check_access(actor).await?;
    let (task, by) = (chat.clone(), actor.clone());
    chat.db.write(actor, move |tx| apply_read(&task, tx, &by, &features, up_to)).await
}

fn apply_read(
    chat: &Chat,
    tx: &mut Tx<'_>,
    actor: &Actor,
    features: &FeatureSet,
    up_to: ReadTarget,
) -> Result<ReadState> {
    let (conversation, wanted) = match up_to {
        ReadTarget::End(id) => (id, i64::MAX),
        ReadTarget::Seq(id, seq) => (id, seq),
        ReadTarget::Message(id) => {
            let message = store::message(tx.conn(), actor.tenant, id)?;
            (message.conversation_id, message.seq)
        }
    };
    let head = store::lock(tx.conn(), actor, conversation)?;
    policy::may_enter(features, &head.place)?;
    let seq = wanted.min(head.last_seq);
    if seq <= head.read_seq && !store::has_unread_messages(tx.conn(), actor, &head, seq)? {
        return store::read_state(tx.conn(), actor.tenant, actor.user, conversation);
    }
    let now = chat.clock.now();
    let mut number = head.head;
    // One change marks a bounded number of messages, so a long absence takes several.
    loop {
        number += 1;
        let (seen, message) = store::mark_read(tx, actor, &head, seq, number, now)?;
        let recipients =
            publish_read(chat, tx, actor, &head, ReadChange { number, up_to: seq, message, now })?;
        if seen < store::MAX_READ_PER_CHANGE {
            // A person who has read to the end has also seen the conversation's notification.
            if seq >= head.last_seq && features.is_on(Feature::Notifications) {
                let group = conversation_group(conversation.0);
                feed::read_group(tx, &chat.notifications, actor, &group, now)?;
            }
            let mine = recipients.iter().find(|recipient| recipient.user_id == actor.user);
            return Ok(events::read_state(conversation, seq.max(head.read_seq), mine));
        }
    }
}

/// One change of a room by a reader.
struct ReadChange {
    number: i64,
    up_to: i64,
    message: Option<MessageId>,
    now: Timestamp,
}

fn publish_read(
    chat: &Chat,
    tx: &mut Tx<'_>,
    actor: &Actor,
    head: &LockedConversation,
    reading: ReadChange,
) -> Result<Vec<UnreadRecipient>> {
    let ReadChange { number, up_to, message, now } = reading;
    let payload = events::read_payload(actor, head.place.conversation, up_to, message, now);
    let mut event = events::durable_event(actor.tenant, &head.place, number, events::READ, &payload)?;
    let what = ChangeEvent {
        place: head.place,
        topic: &event.topic,
        seq: event.seq,
        event_id: event.id,
        event: events::READ,
        payload,
        log: ActivityEntry::new(ActivityAction::MessageRead, "conversation", head.place.conversation)
            .with_details(json!({"up_to_seq": up_to}))
            .to_event_log(actor),
        deleted: None,
    };
    let (people, recipients) = store::insert_change_event(tx, actor, what)?;
    event.copies = people.into_iter().map(person_topic).map(Into::into).collect();
    event.side_events = events::unread_events(head.place.conversation, &recipients)?;
    let hub = Arc::clone(&chat.hub);
    let event = Arc::new(event);
    tx.after_commit(move || hub.publish(event));
    Ok(recipients)
}
