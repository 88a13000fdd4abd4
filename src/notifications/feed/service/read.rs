//! Reads feeds.

use guichet_base::id::NotificationId;
use guichet_base::{Actor, Result, Timestamp};

use super::admit;
use crate::notifications::Notifications;
use crate::notifications::feed::model::{Fared, UnreadSummary};
use crate::notifications::feed::policy;
use crate::notifications::feed::query::{FeedCursor, FeedPageQuery};
use crate::notifications::feed::store::{self, FeedRow, Owner};
use crate::notifications::model::Notification;

/// A page, the feed's row from before the page, and the cursor of the next page, if any. A client that joins the
/// person's topic after `FeedRow::head` misses nothing.
pub async fn list(
    n: &Notifications,
    actor: &Actor,
    mut wanted: FeedPageQuery,
) -> Result<(Vec<Notification>, FeedRow, Option<FeedCursor>)> {
    admit(n, actor, policy::may_view).await?;
    let (owner, now, limit) = (Owner::from(actor), n.clock.now(), wanted.limit);
    // One row more than requested shows whether there is a next page.
    wanted.limit += 1;
    let (feed, mut found) = n.db.read(actor, move |tx| store::list(tx.conn(), owner, &wanted, now)).await?;
    let has_more = usize::try_from(limit).is_ok_and(|limit| found.len() > limit);
    if has_more {
        found.pop();
    }
    let next = found.last().filter(|_| has_more).map(|(_, cursor)| *cursor);
    Ok((found.into_iter().map(|(one, _)| one).collect(), feed, next))
}

/// The number of unread notifications, and the newest of them.
pub async fn unread(
    n: &Notifications,
    actor: &Actor,
    wanted: FeedPageQuery,
) -> Result<(UnreadSummary, FeedRow)> {
    admit(n, actor, policy::may_view).await?;
    let (owner, now) = (Owner::from(actor), n.clock.now());
    let (feed, found) = n.db.read(actor, move |tx| store::list(tx.conn(), owner, &wanted, now)).await?;
    let items = found.into_iter().map(|(one, _)| one).collect();
    Ok((UnreadSummary { count: feed.unread, items }, feed))
}

/// Errors: `NOT_FOUND`, also for deleted and expired ones.
pub async fn get(n: &Notifications, actor: &Actor, id: NotificationId) -> Result<Notification> {
    admit(n, actor, policy::may_view).await?;
    let (owner, now) = (Owner::from(actor), n.clock.now());
    n.db.read(actor, move |tx| store::one(tx.conn(), owner, id, now)).await
}

/// Statistics of all notifications created in [`from`, `to`).
pub async fn analytics(
    n: &Notifications,
    actor: &Actor,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Fared>> {
    admit(n, actor, policy::may_analyse).await?;
    let tenant = actor.tenant;
    n.db.read(actor, move |tx| tx.as_system(|sys| store::analytics(sys, tenant, from, to))).await
}
