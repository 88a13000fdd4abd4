//! The people on one topic, and the state that each watcher has received. Pure except for the queues that it fills:
//! no clock, no I/O.
//!
//! - An entry is a person under a presence key: by devices that joined, by default, or both. It has one meta, with
//!   the fields of the newest track.
//! - `sent` is the state that every up-to-date watcher has. A flush updates it and sends the diff. A watcher that is
//!   behind receives the `sent` state in pieces, as its queue has room, and the diffs of what it has received. So a
//!   watcher's state is never wrong, only late.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use guichet_base::id::UserId;
use guichet_base::role::UserType;
use guichet_base::{PresenceStatus, Timestamp};

use super::meta::{self, TrackedFields};
use super::roster_key::{EntryChange, RosterKey};
use super::watcher::{SnapshotProgress, Watcher};
use crate::hub::connection::JoinId;

/// Shortest interval between diffs of a topic.
pub const FLUSH_EVERY: Duration = Duration::from_millis(100);

#[derive(Default)]
pub struct Roster {
    /// Sorted by key.
    entries: Vec<RosterEntry>,
    watchers: Vec<Watcher>,
    track_count: u64,
    flushed_at: Option<Timestamp>,
}

struct RosterEntry {
    key: RosterKey,
    user_type: UserType,
    is_default: bool,
    holds: Vec<RosterDevice>,
    sent: Option<SentMeta>,
    is_dirty: bool,
}

/// One device on the topic.
struct RosterDevice {
    join: JoinId,
    tracked: Option<TrackedFields>,
    /// Orders tracks by time.
    track_number: u64,
    /// The device is lost, and is removed after this time.
    expires_at: Option<Timestamp>,
}

/// The state of an entry that up-to-date watchers have.
#[derive(Clone)]
pub(super) struct SentMeta {
    reference: u64,
    members: Arc<str>,
}

/// Returns a person's state, for the fields that the server sets.
pub type StatusLookup<'a> = &'a dyn Fn(UserId) -> (PresenceStatus, Option<Timestamp>);

impl RosterEntry {
    fn is_present(&self) -> bool {
        self.is_default || !self.holds.is_empty()
    }

    fn members(&self, look: StatusLookup<'_>) -> String {
        let newest =
            self.holds.iter().filter(|hold| hold.tracked.is_some()).max_by_key(|hold| hold.track_number);
        let tracked = newest.and_then(|hold| hold.tracked.as_ref());
        let (status, online_at) = look(self.key.user);
        meta::encode_members(tracked, self.key.user, self.user_type, online_at, status)
    }

    fn meta(&self) -> Option<String> {
        self.sent.as_ref().map(|sent| meta::encode_meta(sent.reference, None, &sent.members))
    }

    /// Updates the sent state to the current one.
    fn update_sent(&mut self, look: StatusLookup<'_>, next: &mut dyn FnMut() -> u64) -> Option<EntryChange> {
        self.is_dirty = false;
        let now = self.is_present().then(|| self.members(look));
        let before = self.sent.take();
        let leave = before.as_ref().map(|sent| meta::encode_meta(sent.reference, None, &sent.members));
        let (join, leave) = match (now, before) {
            (None, None) => return None,
            (None, Some(_)) => (None, leave),
            (Some(now), Some(sent)) if *now == *sent.members => {
                self.sent = Some(sent);
                return None;
            }
            (Some(now), before) => {
                let sent = SentMeta { reference: next(), members: now.into() };
                let join =
                    meta::encode_meta(sent.reference, before.map(|sent| sent.reference), &sent.members);
                self.sent = Some(sent);
                (Some(join), leave)
            }
        };
        Some(EntryChange { key: self.key.clone(), join, leave })
    }
}

/// Changes. Each returns whether watchers may have to be notified.
impl Roster {
    /// A device joined.
    pub fn join(&mut self, key: RosterKey, user_type: UserType, join: JoinId) {
        let Some(entry) = self.entry_or_insert(key, user_type) else { return };
        entry.holds.reserve_exact(1);
        entry.holds.push(RosterDevice { join, tracked: None, track_number: 0, expires_at: None });
        entry.is_dirty = true;
    }

    /// A device tracks; `None` ends its track. Returns false if it has not joined.
    pub fn track(&mut self, key: &RosterKey, join: JoinId, tracked: Option<TrackedFields>) -> bool {
        self.track_count += 1;
        let order = self.track_count;
        let Some(entry) = self.find(key) else { return false };
        let Some(at) = entry.holds.iter().position(|hold| hold.join == join) else { return false };
        entry.is_dirty = true;
        if tracked.is_none() {
            // Entries of lost devices end too: the person tracks nothing any more.
            entry
                .holds
                .iter_mut()
                .filter(|hold| hold.expires_at.is_some())
                .for_each(|hold| hold.tracked = None);
        }
        if let Some(hold) = entry.holds.get_mut(at) {
            hold.tracked = tracked;
            hold.track_number = order;
        }
        true
    }

    /// A device left. Entries of the person's lost devices end with the last of the others.
    pub fn leave(&mut self, key: &RosterKey, join: JoinId) {
        self.unwatch(join);
        let Some(entry) = self.find(key) else { return };
        entry.holds.retain(|hold| hold.join != join);
        if entry.holds.iter().all(|hold| hold.expires_at.is_some()) {
            entry.holds.clear();
        }
        entry.is_dirty = true;
        self.drop_unneeded();
    }

    /// A device was lost and is removed after `until`.
    pub fn lose(&mut self, key: &RosterKey, join: JoinId, until: Timestamp) {
        self.unwatch(join);
        let Some(entry) = self.find(key) else { return };
        for hold in entry.holds.iter_mut().filter(|hold| hold.join == join) {
            hold.expires_at = Some(until);
        }
    }

    /// Removes lost devices whose time has passed.
    pub fn expire(&mut self, now: Timestamp) {
        for entry in &mut self.entries {
            let before = entry.holds.len();
            entry.holds.retain(|hold| hold.expires_at.is_none_or(|until| until > now));
            entry.is_dirty |= entry.holds.len() != before;
        }
        self.drop_unneeded();
    }

    /// Adds or removes the person's presence by default.
    pub fn set_default_presence(&mut self, user: UserId, user_type: UserType, is_default: bool) {
        let key = RosterKey { key: None, user };
        if !is_default && self.find(&key).is_none() {
            return;
        }
        let Some(entry) = self.entry_or_insert(key, user_type) else { return };
        entry.is_dirty |= entry.is_default != is_default;
        entry.is_default = is_default;
        self.drop_unneeded();
    }

    /// The server's fields of the person may have changed.
    pub fn mark(&mut self, user: UserId) {
        for entry in self.entries.iter_mut().filter(|entry| entry.key.user == user) {
            entry.is_dirty = true;
        }
    }

    pub fn watch(&mut self, watcher: Watcher) {
        self.watchers.push(watcher);
    }

    /// The watcher lost a frame: it gets the complete state again.
    pub fn refresh(&mut self, join: JoinId) {
        for watcher in self.watchers.iter_mut().filter(|watcher| watcher.join == join) {
            watcher.progress = SnapshotProgress::Nothing;
        }
    }

    /// Whether the last diff is long enough ago to send the next at once.
    pub fn is_flush_due(&self, now: Timestamp) -> bool {
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

/// Notifications of watchers.
impl Roster {
    /// Sends the changes to watchers. Returns true if a watcher is still behind, so that a later flush must continue.
    pub fn flush(
        &mut self,
        topic: &str,
        now: Timestamp,
        look: StatusLookup<'_>,
        next: &mut dyn FnMut() -> u64,
    ) -> bool {
        self.flushed_at = Some(now);
        if !self.is_watched() {
            return false;
        }
        let due = self.entries.iter_mut().filter(|entry| entry.is_dirty || entry.sent.is_none());
        let changes: Vec<EntryChange> = due.filter_map(|entry| entry.update_sent(look, next)).collect();
        self.entries.retain(RosterEntry::is_present);
        let mut encoded = super::watcher::SharedDiff::new(topic, &changes);
        let mut is_behind = false;
        for watcher in &mut self.watchers {
            watcher.send_diff(&mut encoded);
            while watcher.progress != SnapshotProgress::UpToDate {
                if !watcher.send_next_piece(topic, |after| metas_after(&self.entries, after)) {
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

    fn find(&mut self, key: &RosterKey) -> Option<&mut RosterEntry> {
        let at = self.index_of(key).ok()?;
        self.entries.get_mut(at)
    }

    fn entry_or_insert(&mut self, key: RosterKey, user_type: UserType) -> Option<&mut RosterEntry> {
        let at = match self.index_of(&key) {
            Ok(at) => at,
            Err(at) => {
                if self.entries.is_empty() {
                    // Most topics hold one or two people.
                    self.entries.reserve_exact(1);
                }
                let holds = Vec::new();
                let entry =
                    RosterEntry { key, user_type, is_default: false, holds, sent: None, is_dirty: true };
                self.entries.insert(at, entry);
                at
            }
        };
        let entry = self.entries.get_mut(at)?;
        entry.user_type = user_type;
        Some(entry)
    }

    fn index_of(&self, key: &RosterKey) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| entry.key.cmp(key))
    }

    /// Drops entries whose removal no watcher needs to learn.
    fn drop_unneeded(&mut self) {
        let is_watched = self.is_watched();
        self.entries.retain(|entry| entry.is_present() || (is_watched && entry.sent.is_some()));
        if !is_watched {
            self.entries.iter_mut().for_each(|entry| entry.sent = None);
        }
    }
}

/// The sent state of the entries after `after`, in order.
fn metas_after<'a>(
    entries: &'a [RosterEntry],
    after: Option<&RosterKey>,
) -> Box<dyn Iterator<Item = (&'a RosterKey, String)> + 'a> {
    let from =
        after.map_or(0, |after| entries.partition_point(|entry| entry.key.cmp(after) != Ordering::Greater));
    let rest = entries.get(from..).unwrap_or_default();
    Box::new(rest.iter().filter_map(|entry| entry.meta().map(|meta| (&entry.key, meta))))
}
