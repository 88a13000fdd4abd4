//! Who is on one topic, and what each watcher of it has been told. Pure but for the queues it fills: no clock, no I/O.
//!
//! - An entry is a person under a presence key: joined by some devices, or at home here, or both. It has one meta,
//!   with the fields of the newest track.
//! - `told` is the picture that every level watcher has. A flush brings it up to the present and says the difference;
//!   a watcher that is behind is given the told picture, in pieces that its queue has room for, and the differences of
//!   what it was given already. So a picture is never wrong, only late.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use guichet_base::id::UserId;
use guichet_base::role::UserType;
use guichet_base::{Status, Timestamp};

use super::meta::{self, Tracked};
use super::watcher::{SnapshotProgress, Watcher};
use crate::hub::connection::JoinId;

/// Differences of a topic are told so often at most.
pub const FLUSH_EVERY: Duration = Duration::from_millis(100);

/// Under which name a person stands on a topic. `None` = their id.
pub type Key = Option<Box<str>>;

/// A person under a key, in the order of a roster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RosterKey {
    pub key: Key,
    pub user: UserId,
}

#[derive(Default)]
pub struct Roster {
    /// Sorted by place.
    entries: Vec<Entry>,
    watchers: Vec<Watcher>,
    tracks: u64,
    flushed_at: Option<Timestamp>,
}

struct Entry {
    place: RosterKey,
    user_type: UserType,
    is_home: bool,
    holds: Vec<Hold>,
    told: Option<EntryAudience>,
    is_dirty: bool,
}

/// One device on the topic.
struct Hold {
    join: JoinId,
    tracked: Option<Tracked>,
    /// Which track came later.
    order: u64,
    /// The device is gone, which shows only after this time.
    until: Option<Timestamp>,
}

/// What level watchers know of an entry.
#[derive(Clone)]
pub(super) struct EntryAudience {
    reference: u64,
    members: Arc<str>,
}

/// What changed of an entry: the meta that joins, the meta that leaves, or both.
pub(super) struct EntryChange {
    pub place: RosterKey,
    pub join: Option<String>,
    pub leave: Option<String>,
}

/// How a person stands, for the fields that the server sets.
pub type Look<'a> = &'a dyn Fn(UserId) -> (Status, Option<Timestamp>);

impl Entry {
    fn is_there(&self) -> bool {
        self.is_home || !self.holds.is_empty()
    }

    fn members(&self, look: Look<'_>) -> String {
        let newest = self.holds.iter().filter(|hold| hold.tracked.is_some()).max_by_key(|hold| hold.order);
        let tracked = newest.and_then(|hold| hold.tracked.as_ref());
        let (status, online_at) = look(self.place.user);
        meta::members(tracked, self.place.user, self.user_type, online_at, status)
    }

    fn meta(&self) -> Option<String> {
        self.told.as_ref().map(|told| meta::meta(told.reference, None, &told.members))
    }

    /// Brings what was told up to the present.
    fn settle(&mut self, look: Look<'_>, next: &mut dyn FnMut() -> u64) -> Option<EntryChange> {
        self.is_dirty = false;
        let now = self.is_there().then(|| self.members(look));
        let before = self.told.take();
        let leave = before.as_ref().map(|told| meta::meta(told.reference, None, &told.members));
        let (join, leave) = match (now, before) {
            (None, None) => return None,
            (None, Some(_)) => (None, leave),
            (Some(now), Some(told)) if *now == *told.members => {
                self.told = Some(told);
                return None;
            }
            (Some(now), before) => {
                let told = EntryAudience { reference: next(), members: now.into() };
                let join = meta::meta(told.reference, before.map(|told| told.reference), &told.members);
                self.told = Some(told);
                (Some(join), leave)
            }
        };
        Some(EntryChange { place: self.place.clone(), join, leave })
    }
}

/// Who is there. Each says whether something may have changed that watchers have to be told.
impl Roster {
    /// A device joined.
    pub fn join(&mut self, place: RosterKey, user_type: UserType, join: JoinId) {
        let Some(entry) = self.entry(place, user_type) else { return };
        entry.holds.reserve_exact(1);
        entry.holds.push(Hold { join, tracked: None, order: 0, until: None });
        entry.is_dirty = true;
    }

    /// A device tracks; `None` ends what it tracked. False where it has not joined.
    pub fn track(&mut self, place: &RosterKey, join: JoinId, tracked: Option<Tracked>) -> bool {
        self.tracks += 1;
        let order = self.tracks;
        let Some(entry) = self.find(place) else { return false };
        let Some(at) = entry.holds.iter().position(|hold| hold.join == join) else { return false };
        entry.is_dirty = true;
        if tracked.is_none() {
            // What devices that are gone left behind ends too: the person says that nothing is tracked.
            entry.holds.iter_mut().filter(|hold| hold.until.is_some()).for_each(|hold| hold.tracked = None);
        }
        if let Some(hold) = entry.holds.get_mut(at) {
            hold.tracked = tracked;
            hold.order = order;
        }
        true
    }

    /// A device left on purpose. What the person's lost devices left behind goes with the last one of the others.
    pub fn leave(&mut self, place: &RosterKey, join: JoinId) {
        self.unwatch(join);
        let Some(entry) = self.find(place) else { return };
        entry.holds.retain(|hold| hold.join != join);
        if entry.holds.iter().all(|hold| hold.until.is_some()) {
            entry.holds.clear();
        }
        entry.is_dirty = true;
        self.trim();
    }

    /// A device was lost: it shows only after `until`.
    pub fn lose(&mut self, place: &RosterKey, join: JoinId, until: Timestamp) {
        self.unwatch(join);
        let Some(entry) = self.find(place) else { return };
        for hold in entry.holds.iter_mut().filter(|hold| hold.join == join) {
            hold.until = Some(until);
        }
    }

    /// Ends what was lost until now.
    pub fn expire(&mut self, now: Timestamp) {
        for entry in &mut self.entries {
            let before = entry.holds.len();
            entry.holds.retain(|hold| hold.until.is_none_or(|until| until > now));
            entry.is_dirty |= entry.holds.len() != before;
        }
        self.trim();
    }

    /// The person appears here by being connected, or does no more.
    pub fn set_home(&mut self, user: UserId, user_type: UserType, is_home: bool) {
        let place = RosterKey { key: None, user };
        if !is_home && self.find(&place).is_none() {
            return;
        }
        let Some(entry) = self.entry(place, user_type) else { return };
        entry.is_dirty |= entry.is_home != is_home;
        entry.is_home = is_home;
        self.trim();
    }

    /// What the server says of the person may have changed.
    pub fn mark(&mut self, user: UserId) {
        for entry in self.entries.iter_mut().filter(|entry| entry.place.user == user) {
            entry.is_dirty = true;
        }
    }

    pub fn watch(&mut self, watcher: Watcher) {
        self.watchers.push(watcher);
    }

    /// The watcher lost a frame: it is given the picture anew.
    pub fn refresh(&mut self, join: JoinId) {
        for watcher in self.watchers.iter_mut().filter(|watcher| watcher.join == join) {
            watcher.progress = SnapshotProgress::Nothing;
        }
    }

    /// Whether nothing was told for so long that what is new can be told at once.
    pub fn is_rested(&self, now: Timestamp) -> bool {
        let millis = i64::try_from(FLUSH_EVERY.as_millis()).unwrap_or(0);
        self.flushed_at.is_none_or(|at| (now.as_millis() - at.as_millis()).abs() >= millis)
    }

    pub fn is_watched(&self) -> bool {
        !self.watchers.is_empty()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.watchers.is_empty()
    }
}

/// Telling.
impl Roster {
    /// Tells watchers what changed. True when a watcher is still behind, so that a later flush has to go on.
    pub fn flush(
        &mut self,
        topic: &str,
        now: Timestamp,
        look: Look<'_>,
        next: &mut dyn FnMut() -> u64,
    ) -> bool {
        self.flushed_at = Some(now);
        if !self.is_watched() {
            return false;
        }
        let due = self.entries.iter_mut().filter(|entry| entry.is_dirty || entry.told.is_none());
        let changes: Vec<EntryChange> = due.filter_map(|entry| entry.settle(look, next)).collect();
        self.entries.retain(Entry::is_there);
        let mut encoded = super::watcher::Shared::new(topic, &changes);
        let mut is_behind = false;
        for watcher in &mut self.watchers {
            watcher.tell(&mut encoded);
            while watcher.progress != SnapshotProgress::Level {
                if !watcher.go_on(topic, |after| pieces(&self.entries, after)) {
                    is_behind = true;
                    break;
                }
            }
        }
        is_behind
    }

    fn unwatch(&mut self, join: JoinId) {
        self.watchers.retain(|watcher| watcher.join != join);
    }

    fn find(&mut self, place: &RosterKey) -> Option<&mut Entry> {
        let at = self.at(place).ok()?;
        self.entries.get_mut(at)
    }

    fn entry(&mut self, place: RosterKey, user_type: UserType) -> Option<&mut Entry> {
        let at = match self.at(&place) {
            Ok(at) => at,
            Err(at) => {
                if self.entries.is_empty() {
                    // Most topics hold one or two people.
                    self.entries.reserve_exact(1);
                }
                let holds = Vec::new();
                let entry = Entry { place, user_type, is_home: false, holds, told: None, is_dirty: true };
                self.entries.insert(at, entry);
                at
            }
        };
        let entry = self.entries.get_mut(at)?;
        entry.user_type = user_type;
        Some(entry)
    }

    fn at(&self, place: &RosterKey) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| entry.place.cmp(place))
    }

    /// Keeps nobody of whose going nobody has to be told.
    fn trim(&mut self) {
        let is_watched = self.is_watched();
        self.entries.retain(|entry| entry.is_there() || (is_watched && entry.told.is_some()));
        if !is_watched {
            self.entries.iter_mut().for_each(|entry| entry.told = None);
        }
    }
}

/// What was told of the entries after `after`, in order.
fn pieces<'a>(
    entries: &'a [Entry],
    after: Option<&RosterKey>,
) -> Box<dyn Iterator<Item = (&'a RosterKey, String)> + 'a> {
    let from =
        after.map_or(0, |after| entries.partition_point(|entry| entry.place.cmp(after) != Ordering::Greater));
    let rest = entries.get(from..).unwrap_or_default();
    Box::new(rest.iter().filter_map(|entry| entry.meta().map(|meta| (&entry.place, meta))))
}
