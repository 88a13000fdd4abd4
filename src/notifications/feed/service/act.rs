//! Actions of people on their notifications. Repeating one changes nothing and publishes nothing.

use guichet_base::id::NotificationId;
use guichet_base::{Actor, Result, Timestamp};
use guichet_db::Tx;

use super::admit;
use super::change::{Locked, Which, change_one, read_many};
use crate::notifications::Notifications;
use crate::notifications::feed::action::FeedAction;
use crate::notifications::feed::model::{Deleted, ReadMany};
use crate::notifications::feed::policy;
use crate::notifications::feed::store::{self, Owner};
use crate::notifications::model::Notification;

/// Marks one as read. Errors: `NOT_FOUND`, here and below also for deleted and expired ones.
pub async fn ack(n: &Notifications, actor: &Actor, id: NotificationId) -> Result<Notification> {
    mark(n, actor, id, FeedAction::Read).await
}

pub async fn archive(n: &Notifications, actor: &Actor, id: NotificationId) -> Result<Notification> {
    mark(n, actor, id, FeedAction::Archive).await
}

/// Restores an archived one in its former state: unread if it was never read.
pub async fn unarchive(n: &Notifications, actor: &Actor, id: NotificationId) -> Result<Notification> {
    mark(n, actor, id, FeedAction::Unarchive).await
}

/// Hides one until the given time; it returns as unread.
pub async fn snooze(
    n: &Notifications,
    actor: &Actor,
    id: NotificationId,
    until: Timestamp,
) -> Result<Notification> {
    mark(n, actor, id, FeedAction::Snooze(until)).await
}

async fn mark(
    n: &Notifications,
    actor: &Actor,
    id: NotificationId,
    action: FeedAction,
) -> Result<Notification> {
    admit(n, actor, policy::may_mark).await?;
    let (task, owner) = (n.clone(), Owner::from(actor));
    let (changed, _) = n.db.write(actor, move |tx| change_one(&task, tx, owner, id, action)).await?;
    Ok(changed)
}

/// Marks many as read. Errors: `VALIDATION_ERROR` for an id that never belonged to the caller.
pub async fn read(n: &Notifications, actor: &Actor, which: Which) -> Result<ReadMany> {
    admit(n, actor, policy::may_mark).await?;
    let (task, owner) = (n.clone(), Owner::from(actor));
    n.db.write(actor, move |tx| read_many(&task, tx, owner, &which)).await
}

/// Marks one and others as read.
pub async fn read_with(
    n: &Notifications,
    actor: &Actor,
    id: NotificationId,
    others: Vec<NotificationId>,
) -> Result<Notification> {
    admit(n, actor, policy::may_mark).await?;
    let (task, owner) = (n.clone(), Owner::from(actor));
    let which = Which::Ids(others);
    n.db.write(actor, move |tx| {
        let (one, _) = change_one(&task, tx, owner, id, FeedAction::Read)?;
        read_many(&task, tx, owner, &which)?;
        Ok(one)
    })
    .await
}

/// Deletes one permanently. Errors: `NOT_FOUND`.
pub async fn delete(n: &Notifications, actor: &Actor, id: NotificationId) -> Result<Deleted> {
    admit(n, actor, policy::may_delete).await?;
    let (task, owner) = (n.clone(), Owner::from(actor));
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
    let owner = Owner::from(actor);
    // As the system, to find also a notification that exists only for its deliveries. Otherwise the next event would
    // raise that one forever, and no mail would be sent again.
    let standing = tx.as_system(|sys| store::in_group(sys, owner, group_key))?;
    for (id, _) in standing.iter().filter(|(_, is_seen)| !is_seen) {
        tx.as_system(|sys| store::read_unseen(sys, owner, *id, now))?;
    }
    if standing.iter().any(|(_, is_seen)| *is_seen) {
        let mut locked = Locked::take(tx, owner, now)?;
        let targets = store::of_group(tx.conn(), owner, group_key, now)?;
        locked.perform(n, tx, &targets, FeedAction::Read)?;
    }
    Ok(())
}
