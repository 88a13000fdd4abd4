//! The one path of every change of a feed: lock, load, decide, write, publish.

use std::collections::HashSet;
use std::sync::Arc;

use guichet_base::id::NotificationId;
use guichet_base::{Error, Fault, Result, Timestamp};
use guichet_db::Tx;
use guichet_realtime::Event;

use crate::notifications::Notifications;
use crate::notifications::feed::action::{FeedAction, FeedChange, Target, changes};
use crate::notifications::feed::model::ReadMany;
use crate::notifications::feed::store::{self, Owner};
use crate::notifications::model::Notification;
use crate::notifications::socket_events::{self, FeedSummary, NotificationUpdated, NotificationsDeleted};

/// Up to this many changes are published one by one; more as one summary.
pub const APART: usize = 50;
/// Most notifications changed by one statement, and so with the same `changed_seq`.
pub const AT_ONCE: i64 = 1_000;

/// The notifications to mark as read.
#[derive(Debug, Clone)]
pub enum Which {
    Ids(Vec<NotificationId>),
    /// All with a last event at or before this time.
    Until(Timestamp),
}

/// A locked feed.
pub struct Locked {
    pub owner: Owner,
    head: i64,
    now: Timestamp,
}

/// The result of an action.
#[derive(Default)]
pub struct FeedActionResult {
    pub count: usize,
    /// The changed notifications, if they are published one by one.
    pub changed: Vec<Notification>,
    /// The counter afterwards; `None` if nothing changed.
    pub unread: Option<i64>,
}

impl Locked {
    pub fn take(tx: &mut Tx<'_>, owner: Owner, now: Timestamp) -> Result<Self> {
        Ok(Self { owner, head: store::lock(tx.conn(), owner)?, now })
    }

    /// Applies `action` to those of `targets` that it changes, and publishes the changes after the commit.
    pub fn perform(
        &mut self,
        n: &Notifications,
        tx: &mut Tx<'_>,
        targets: &[Target],
        action: FeedAction,
    ) -> Result<FeedActionResult> {
        let taken = self.taken(tx, targets, action)?;
        let changes = changes(targets, action, self.now, taken);
        if changes.is_empty() {
            return Ok(FeedActionResult::default());
        }
        let (done, events) = match changes.len() {
            0..=APART => self.one_by_one(tx, &changes, action)?,
            _ => self.at_once(tx, &changes, targets)?,
        };
        self.head += i64::try_from(events.len()).map_err(Error::internal)?;
        tx.as_system(|sys| store::insert_events(sys, self.owner, &events))?;
        let hub = Arc::clone(&n.hub);
        tx.after_commit(move || {
            for event in events {
                hub.publish(Arc::new(event));
            }
        });
        Ok(done)
    }

    /// Of the groups that would get an unread notification, those that have one.
    fn taken(&self, tx: &mut Tx<'_>, targets: &[Target], action: FeedAction) -> Result<HashSet<String>> {
        let joined = targets.iter().filter_map(|target| target.group_joined_by(action, self.now));
        let joined: Vec<String> = joined.map(str::to_owned).collect();
        if joined.is_empty() {
            return Ok(HashSet::new());
        }
        tx.as_system(|sys| store::taken(sys, self.owner, joined))
    }

    fn one_by_one(
        &self,
        tx: &mut Tx<'_>,
        changes: &[FeedChange],
        action: FeedAction,
    ) -> Result<(FeedActionResult, Vec<Event>)> {
        let (changed, unread) = store::apply(tx.conn(), self.owner, self.head, changes, self.now)?;
        let events = (self.head + 1..).zip(&changed).map(|(seq, notification)| {
            if action.removes() {
                self.event(seq, socket_events::DELETED, &NotificationsDeleted { id: notification.id, unread })
            } else {
                let raised = action == FeedAction::Wake;
                self.event(seq, socket_events::UPDATED, &NotificationUpdated { notification, unread, raised })
            }
        });
        let events = events.collect::<Result<Vec<_>>>()?;
        Ok((FeedActionResult { count: changed.len(), changed, unread: Some(unread) }, events))
    }

    fn at_once(
        &self,
        tx: &mut Tx<'_>,
        changes: &[FeedChange],
        targets: &[Target],
    ) -> Result<(FeedActionResult, Vec<Event>)> {
        let unread = store::apply_many(tx.conn(), self.owner, self.head, changes, self.now)?;
        let count = i64::try_from(changes.len()).map_err(Error::internal)?;
        let since = targets.iter().map(|target| target.last_event_at).min().unwrap_or(self.now);
        let event = self.event(self.head + 1, socket_events::SUMMARY, &FeedSummary { count, since })?;
        Ok((
            FeedActionResult { count: changes.len(), changed: Vec::new(), unread: Some(unread) },
            vec![event],
        ))
    }

    fn event(&self, seq: i64, name: &str, payload: &impl serde::Serialize) -> Result<Event> {
        socket_events::event(self.owner.tenant, self.owner.user, seq, name, payload)
    }
}

/// Applies `action` to one notification. Returns its current state, and the counter if it changed.
///
/// Errors: `NOT_FOUND`.
pub fn change_one(
    n: &Notifications,
    tx: &mut Tx<'_>,
    owner: Owner,
    id: NotificationId,
    action: FeedAction,
) -> Result<(Notification, Option<i64>)> {
    let now = n.clock.now();
    let mut locked = Locked::take(tx, owner, now)?;
    let targets = store::by_ids(tx.conn(), owner, &[id], now)?;
    let done = locked.perform(n, tx, &targets, action)?;
    match done.changed.into_iter().next() {
        Some(changed) => Ok((changed, done.unread)),
        None => Ok((store::one(tx.conn(), owner, id, now)?, None)),
    }
}

/// Marks many as read.
///
/// Errors: `VALIDATION_ERROR` for an id that never belonged to the person.
pub fn read_many(n: &Notifications, tx: &mut Tx<'_>, owner: Owner, which: &Which) -> Result<ReadMany> {
    let now = n.clock.now();
    let mut locked = Locked::take(tx, owner, now)?;
    let (mut updated, mut unread) = (0, None);
    loop {
        let targets = match which {
            Which::Ids(ids) => {
                let targets = store::by_ids(tx.conn(), owner, ids, now)?;
                all_known(tx, owner, ids, &targets)?;
                targets
            }
            Which::Until(until) => store::unread_until(tx.conn(), owner, *until, now, AT_ONCE)?,
        };
        let is_last = match which {
            Which::Ids(_) => true,
            Which::Until(_) => i64::try_from(targets.len()).is_ok_and(|found| found < AT_ONCE),
        };
        let done = locked.perform(n, tx, &targets, FeedAction::Read)?;
        updated += i64::try_from(done.count).map_err(Error::internal)?;
        unread = done.unread.or(unread);
        if is_last {
            break;
        }
    }
    let unread = match unread {
        Some(unread) => unread,
        None => store::unread(tx.conn(), owner, now)?,
    };
    Ok(ReadMany { updated, unread })
}

/// Ids of deleted and expired notifications are accepted; unknown ids are faults.
fn all_known(tx: &mut Tx<'_>, owner: Owner, ids: &[NotificationId], found: &[Target]) -> Result<()> {
    let mut known: HashSet<NotificationId> = found.iter().map(|target| target.id).collect();
    if ids.iter().all(|id| known.contains(id)) {
        return Ok(());
    }
    known.extend(store::known(tx.conn(), owner, ids)?);
    let unknown = ids.iter().enumerate().filter(|(_, id)| !known.contains(id));
    let faults: Vec<Fault> = unknown.map(|(at, _)| Fault::new(format!("ids[{at}]"), "unknown_id")).collect();
    if faults.is_empty() { Ok(()) } else { Err(Error::validation(faults)) }
}
