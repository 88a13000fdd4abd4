//! The steps of every change of a feed: lock, load, decide, write, publish.

use std::collections::HashSet;
use std::sync::Arc;

use guichet_base::id::NotificationId;
use guichet_base::{Error, Fault, Result, Timestamp};
use guichet_db::Tx;
use guichet_realtime::Event;

use crate::notifications::Notifications;
use crate::notifications::feed::action::{FeedAction, FeedChange, Target, plan_changes};
use crate::notifications::feed::model::ReadMany;
use crate::notifications::feed::store::{self, FeedOwner};
use crate::notifications::model::Notification;
use crate::notifications::socket_events::{self, FeedSummary, NotificationDeleted, NotificationUpdated};

/// Maximum number of changes published as one event each; more are published as one summary.
pub const MAX_SINGLE_EVENTS: usize = 50;
/// Maximum number of notifications that one statement changes and that share one `changed_seq`.
pub const MAX_CHANGES_PER_STATEMENT: i64 = 1_000;

/// The notifications to mark as read.
#[derive(Debug, Clone)]
pub enum ReadSelection {
    Ids(Vec<NotificationId>),
    /// All unread notifications with a last event at or before this time.
    UpTo(Timestamp),
}

/// A locked feed.
pub struct LockedFeed {
    pub owner: FeedOwner,
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

impl LockedFeed {
    pub fn lock(tx: &mut Tx<'_>, owner: FeedOwner, now: Timestamp) -> Result<Self> {
        Ok(Self { owner, head: store::lock(tx.conn(), owner)?, now })
    }

    /// Applies `action` to those of `targets` that it changes, and publishes the changes after the commit.
    pub fn apply(
        &mut self,
        n: &Notifications,
        tx: &mut Tx<'_>,
        targets: &[Target],
        action: FeedAction,
    ) -> Result<FeedActionResult> {
        let taken = self.groups_with_unread(tx, targets, action)?;
        let changes = plan_changes(targets, action, self.now, taken);
        if changes.is_empty() {
            return Ok(FeedActionResult::default());
        }
        let (result, events) = match changes.len() {
            0..=MAX_SINGLE_EVENTS => self.write_single_events(tx, &changes, action)?,
            _ => self.write_summary(tx, &changes, targets)?,
        };
        self.head += i64::try_from(events.len()).map_err(Error::internal)?;
        tx.as_system(|sys| store::insert_events(sys, self.owner, &events))?;
        let hub = Arc::clone(&n.hub);
        tx.after_commit(move || {
            for event in events {
                hub.publish(Arc::new(event));
            }
        });
        Ok(result)
    }

    /// Of the groups in which `action` would make a notification unread, those that already have an unread one.
    fn groups_with_unread(
        &self,
        tx: &mut Tx<'_>,
        targets: &[Target],
        action: FeedAction,
    ) -> Result<HashSet<String>> {
        let joined = targets.iter().filter_map(|target| target.group_joined_by(action, self.now));
        let joined: Vec<String> = joined.map(str::to_owned).collect();
        if joined.is_empty() {
            return Ok(HashSet::new());
        }
        tx.as_system(|sys| store::groups_with_unread(sys, self.owner, joined))
    }

    fn write_single_events(
        &self,
        tx: &mut Tx<'_>,
        changes: &[FeedChange],
        action: FeedAction,
    ) -> Result<(FeedActionResult, Vec<Event>)> {
        let (changed, unread) = store::apply(tx.conn(), self.owner, self.head, changes, self.now)?;
        let events = (self.head + 1..).zip(&changed).map(|(seq, notification)| {
            if action.removes() {
                self.event(seq, socket_events::DELETED, &NotificationDeleted { id: notification.id, unread })
            } else {
                let raised = action == FeedAction::Wake;
                self.event(seq, socket_events::UPDATED, &NotificationUpdated { notification, unread, raised })
            }
        });
        let events = events.collect::<Result<Vec<_>>>()?;
        Ok((FeedActionResult { count: changed.len(), changed, unread: Some(unread) }, events))
    }

    fn write_summary(
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
    owner: FeedOwner,
    id: NotificationId,
    action: FeedAction,
) -> Result<(Notification, Option<i64>)> {
    let now = n.clock.now();
    let mut locked = LockedFeed::lock(tx, owner, now)?;
    let targets = store::by_ids(tx.conn(), owner, &[id], now)?;
    let result = locked.apply(n, tx, &targets, action)?;
    match result.changed.into_iter().next() {
        Some(changed) => Ok((changed, result.unread)),
        None => Ok((store::find(tx.conn(), owner, id, now)?, None)),
    }
}

/// Marks many notifications as read, in batches.
///
/// Errors: `VALIDATION_ERROR` for an id that never belonged to the person.
pub fn read_many(
    n: &Notifications,
    tx: &mut Tx<'_>,
    owner: FeedOwner,
    selection: &ReadSelection,
) -> Result<ReadMany> {
    let now = n.clock.now();
    let mut locked = LockedFeed::lock(tx, owner, now)?;
    let (mut updated, mut unread) = (0, None);
    loop {
        let targets = match selection {
            ReadSelection::Ids(ids) => {
                let targets = store::by_ids(tx.conn(), owner, ids, now)?;
                check_ids_exist(tx, owner, ids, &targets)?;
                targets
            }
            ReadSelection::UpTo(until) => {
                store::unread_until(tx.conn(), owner, *until, now, MAX_CHANGES_PER_STATEMENT)?
            }
        };
        let is_last = match selection {
            ReadSelection::Ids(_) => true,
            ReadSelection::UpTo(_) => {
                i64::try_from(targets.len()).is_ok_and(|found| found < MAX_CHANGES_PER_STATEMENT)
            }
        };
        let result = locked.apply(n, tx, &targets, FeedAction::Read)?;
        updated += i64::try_from(result.count).map_err(Error::internal)?;
        unread = result.unread.or(unread);
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

/// Errors: `VALIDATION_ERROR` for ids that never belonged to the person. Deleted and expired ones are accepted.
fn check_ids_exist(
    tx: &mut Tx<'_>,
    owner: FeedOwner,
    ids: &[NotificationId],
    found: &[Target],
) -> Result<()> {
    let mut known_ids: HashSet<NotificationId> = found.iter().map(|target| target.id).collect();
    if ids.iter().all(|id| known_ids.contains(id)) {
        return Ok(());
    }
    known_ids.extend(store::ids_ever_owned(tx.conn(), owner, ids)?);
    let unknown = ids.iter().enumerate().filter(|(_, id)| !known_ids.contains(id));
    let faults: Vec<Fault> = unknown.map(|(at, _)| Fault::new(format!("ids[{at}]"), "unknown_id")).collect();
    if faults.is_empty() { Ok(()) } else { Err(Error::validation(faults)) }
}
