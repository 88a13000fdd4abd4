//! Editing and deleting one's own messages.

use std::sync::Arc;

use guichet_base::id::MessageId;
use guichet_base::{Actor, Error, Result};
use guichet_db::Tx;
use serde_json::{Value, json};

use crate::activity::{self, ActivityAction, ActivityEntry};
use crate::chat::model::{Message, MessageBody};
use crate::chat::service::direct;
use crate::chat::store::{self, ChangeEvent, LockedConversation};
use crate::chat::{Chat, events, person_topic, policy};

/// Edits a message and returns it. The activity log keeps the previous text.
pub async fn edit(chat: &Chat, actor: &Actor, id: MessageId, body: MessageBody) -> Result<Message> {
    let features = chat.check_access(actor).await?;
    let (task, by) = (chat.clone(), actor.clone());
    chat.db
        .write(actor, move |tx| {
            let (before, head) = load_locked(tx, &by, id)?;
            let now = task.clock.now();
            policy::may_enter(&features, &head.place)?;
            policy::may_edit(&by, &before, now, task.edit_window)?;
            // An edit can carry a new text to the colleague, so the ranks are checked as for a send.
            direct::check_may_write(tx, &by, &head.place, None)?;
            if before.deleted_at.is_some() {
                return Err(Error::conflict().with_details(json!({"current": before})));
            }
            if before.content.as_deref() == Some(body.as_str()) {
                return Ok(before);
            }
            store::apply_edit(tx, &by, &head, id, body.as_str(), now)?;
            let message = store::message(tx.conn(), by.tenant, id)?;
            let kept = json!({"before": before.content, "seq": before.seq});
            publish_change(
                &task,
                tx,
                &by,
                &head,
                &message,
                MessageChange {
                    event: events::UPDATED,
                    action: ActivityAction::MessageEdit,
                    log_details: kept,
                },
            )?;
            Ok(message)
        })
        .await
}

/// Deletes a message and returns its tombstone. Repeating it returns the tombstone again.
pub async fn delete(chat: &Chat, actor: &Actor, id: MessageId) -> Result<Message> {
    let features = chat.check_access(actor).await?;
    let (task, by) = (chat.clone(), actor.clone());
    chat.db
        .write(actor, move |tx| {
            let (before, head) = load_locked(tx, &by, id)?;
            policy::may_enter(&features, &head.place)?;
            let now = task.clock.now();
            if before.deleted_at.is_some() && before.sender_id == by.user {
                return Ok(before);
            }
            policy::may_delete(&by, &before, now, task.edit_window)?;
            if before.deleted_at.is_some() {
                return Ok(before);
            }
            store::apply_delete(tx, &by, &head, id, now)?;
            let message = store::message(tx.conn(), by.tenant, id)?;
            let kept = json!({"seq": before.seq, "author": before.sender_id});
            publish_change(
                &task,
                tx,
                &by,
                &head,
                &message,
                MessageChange {
                    event: events::DELETED,
                    action: ActivityAction::MessageDelete,
                    log_details: kept,
                },
            )?;
            Ok(message)
        })
        .await
}

/// Loads the message under the lock of its conversation.
fn load_locked(tx: &mut Tx<'_>, actor: &Actor, id: MessageId) -> Result<(Message, LockedConversation)> {
    let conversation = store::message(tx.conn(), actor.tenant, id)?.conversation_id;
    let head = store::lock(tx.conn(), actor, conversation)?;
    Ok((store::message(tx.conn(), actor.tenant, id)?, head))
}

struct MessageChange {
    event: &'static str,
    action: ActivityAction,
    /// For the activity log: the text before an edit.
    log_details: Value,
}

fn publish_change(
    chat: &Chat,
    tx: &mut Tx<'_>,
    actor: &Actor,
    head: &LockedConversation,
    message: &Message,
    change: MessageChange,
) -> Result<()> {
    activity::record(
        tx,
        actor,
        &ActivityEntry::new(change.action, "message", message.id).with_details(change.log_details),
    )?;
    let payload = events::message_payload(message)?;
    let mut event =
        events::durable_event(actor.tenant, &head.place, message.changed_seq, change.event, &payload)?;
    let what = ChangeEvent {
        place: head.place,
        topic: &event.topic,
        seq: event.seq,
        event_id: event.id,
        event: change.event,
        payload,
        log: Value::Null,
        deleted: message.deleted_at.map(|_| (message.seq, message.sender_id)),
    };
    let (people, recipients) = store::insert_change_event(tx, actor, what)?;
    event.copies = people.into_iter().map(person_topic).map(Into::into).collect();
    if message.deleted_at.is_some() {
        event.side_events = events::unread_events(head.place.conversation, &recipients)?;
    }
    let hub = Arc::clone(&chat.hub);
    let event = Arc::new(event);
    tx.after_commit(move || hub.publish(event));
    Ok(())
}
