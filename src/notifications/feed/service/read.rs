//! Reads feeds.

use guichet_base::id::NotificationId;
use guichet_base::{Actor, Result, Timestamp};

use super::authorize;
use crate::notifications::Notifications;
use crate::notifications::feed::model::{NotificationStatistics, UnreadSummary};
use crate::notifications::feed::policy;
use crate::notifications::feed::query::{FeedCursor, FeedPageQuery};
use crate::notifications::feed::store::{self, FeedOwner, FeedRow};
use crate::notifications::model::Notification;

/// A page, the feed's row of the same snapshot, and the cursor of the next page, if any. A client that joins the
/// person's topic with `after_seq` = `FeedRow::head` misses no event.
pub async fn list(
    n: &Notifications,
    actor: &Actor,
    mut query: FeedPageQuery,
) -> Result<(Vec<Notification>, FeedRow, Option<FeedCursor>)> {
    authorize(n, actor, policy::may_view).await?;
    let (owner, now, limit) = (FeedOwner::from(actor), n.clock.now(), query.limit);
    // One row more than requested shows whether there is a next page.
    query.limit += 1;
    let (feed, mut found) = n.db.read(actor, move |tx| store::list(tx.conn(), owner, &query, now)).await?;
    let has_more = usize::try_from(limit).is_ok_and(|limit| found.len() > limit);
    if has_more {
        found.pop();
    }
    let next = found.last().filter(|_| has_more).map(|(_, cursor)| *cursor);
    Ok((found.into_iter().map(|(notification, _)| notification).collect(), feed, next))
}

/// The number of unread notifications, and the newest of them.
pub async fn unread(
    n: &Notifications,
    actor: &Actor,
    query: FeedPageQuery,
) -> Result<(UnreadSummary, FeedRow)> {
    authorize(n, actor, policy::may_view).await?;
    let (owner, now) = (FeedOwner::from(actor), n.clock.now());
    let (feed, found) = n.db.read(actor, move |tx| store::list(tx.conn(), owner, &query, now)).await?;
    let items = found.into_iter().map(|(notification, _)| notification).collect();
    Ok((UnreadSummary { count: feed.unread, items }, feed))
}

/// Returns a notification. Errors: `NOT_FOUND`, also for deleted and expired ones.
pub async fn get(n: &Notifications, actor: &Actor, id: NotificationId) -> Result<Notification> {
    authorize(n, actor, policy::may_view).await?;
    let (owner, now) = (FeedOwner::from(actor), n.clock.now());
    n.db.read(actor, move |tx| store::find(tx.conn(), owner, id, now)).await
}

/// Statistics of all notifications created in [`from`, `to`).
pub async fn analytics(
    n: &Notifications,
    actor: &Actor,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<NotificationStatistics>> {
    authorize(n, actor, policy::may_analyse).await?;
    let tenant = actor.tenant;
    n.db.read(actor, move |tx| tx.as_system(|sys| store::analytics(sys, tenant, from, to))).await
}
