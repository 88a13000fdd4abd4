//! Actions of people on their notifications. A repeated action changes nothing and publishes nothing.

use guichet_base::id::NotificationId;
use guichet_base::{Actor, Result, Timestamp};
use guichet_db::Tx;

use super::authorize;
use super::change::{LockedFeed, ReadSelection, change_one, read_many};
use crate::notifications::Notifications;
use crate::notifications::feed::action::FeedAction;
use crate::notifications::feed::model::{Deleted, ReadMany};
use crate::notifications::feed::policy;
use crate::notifications::feed::store::{self, FeedOwner};
use crate::notifications::model::Notification;

/// Marks a notification as read. Errors: `NOT_FOUND`, in this module also for deleted and expired notifications.
pub async fn ack(n: &Notifications, actor: &Actor, id: NotificationId) -> Result<Notification> {
    apply_action(n, actor, id, FeedAction::Read).await
}

pub async fn archive(n: &Notifications, actor: &Actor, id: NotificationId) -> Result<Notification> {
    apply_action(n, actor, id, FeedAction::Archive).await
}

/// Restores an archived notification in its former state: unread if it was never read.
pub async fn unarchive(n: &Notifications, actor: &Actor, id: NotificationId) -> Result<Notification> {
    apply_action(n, actor, id, FeedAction::Unarchive).await
}

/// Hides a notification until the given time; it returns as unread.
pub async fn snooze(
    n: &Notifications,
    actor: &Actor,
    id: NotificationId,
    until: Timestamp,
) -> Result<Notification> {
    apply_action(n, actor, id, FeedAction::Snooze(until)).await
}

async fn apply_action(
    n: &Notifications,
    actor: &Actor,
    id: NotificationId,
    action: FeedAction,
) -> Result<Notification> {
    authorize(n, actor, policy::may_mark).await?;
    let (task, owner) = (n.clone(), FeedOwner::from(actor));
    let (changed, _) = n.db.write(actor, move |tx| change_one(&task, tx, owner, id, action)).await?;
    Ok(changed)
}

/// Marks many notifications as read. Errors: `VALIDATION_ERROR` for an id that never belonged to the caller.
pub async fn read(n: &Notifications, actor: &Actor, selection: ReadSelection) -> Result<ReadMany> {
    authorize(n, actor, policy::may_mark).await?;
    let (task, owner) = (n.clone(), FeedOwner::from(actor));
    n.db.write(actor, move |tx| read_many(&task, tx, owner, &selection)).await
}

/// Marks a notification and others as read. Errors: those of [`ack`] and [`read`].
pub async fn read_with(
    n: &Notifications,
    actor: &Actor,
    id: NotificationId,
    others: Vec<NotificationId>,
) -> Result<Notification> {
    authorize(n, actor, policy::may_mark).await?;
    let (task, owner) = (n.clone(), FeedOwner::from(actor));
    let selection = ReadSelection::Ids(others);
    n.db.write(actor, move |tx| {
        let (notification, _) = change_one(&task, tx, owner, id, FeedAction::Read)?;
        read_many(&task, tx, owner, &selection)?;
        Ok(notification)
    })
    .await
}

/// Deletes a notification permanently. Errors: `NOT_FOUND`.
pub async fn delete(n: &Notifications, actor: &Actor, id: NotificationId) -> Result<Deleted> {
    authorize(n, actor, policy::may_delete).await?;
    let (task, owner) = (n.clone(), FeedOwner::from(actor));
    n.db.write(actor, move |tx| {
        let now = task.clock.now();
        // A repeated deletion succeeds.
        if store::is_deleted(tx.conn(), owner, id)? {
            return Ok(Deleted { id, unread: store::unread(tx.conn(), owner, now)? });
        }
        let (_, unread) = change_one(&task, tx, owner, id, FeedAction::Delete)?;
        let unread = match unread {
            Some(unread) => unread,
            None => store::unread(tx.conn(), owner, now)?,
        };
        Ok(Deleted { id, unread })
    })
    .await
}

/// Marks the unread notification of a group as read, in the caller's transaction: the person has seen its content.
pub fn read_group(
    tx: &mut Tx<'_>,
    n: &Notifications,
    actor: &Actor,
    group_key: &str,
    now: Timestamp,
) -> Result<()> {
    let owner = FeedOwner::from(actor);
    // As the system, to also find a notification that exists only for its deliveries. Otherwise every later event would
    // only update that notification, and no further email would be sent.
    let in_group = tx.as_system(|sys| store::unread_in_group(sys, owner, group_key))?;
    for (id, _) in in_group.iter().filter(|(_, is_seen)| !is_seen) {
        tx.as_system(|sys| store::mark_hidden_read(sys, owner, *id, now))?;
    }
    if in_group.iter().any(|(_, is_seen)| *is_seen) {
        let mut locked = LockedFeed::lock(tx, owner, now)?;
        let targets = store::unread_targets_of_group(tx.conn(), owner, group_key, now)?;
        locked.apply(n, tx, &targets, FeedAction::Read)?;
    }
    Ok(())
}
