//! Presence states of people, as a state machine over time. Pure: the caller passes the time.
//!
//! - A person is present from their first connection until `grace` after their last one; a reconnect in between is
//!   invisible to others.
//! - A present person is online while active within `idle_after`, idle until `offline_after`, then offline.
//! - Each person has at most one entry in `deadlines`: the earliest time at which they may have to be examined. An
//!   activity does not move it: a deadline that comes too early is set again. So a turn costs what is due, however
//!   many people are present.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use guichet_base::id::{TenantId, UserId};
use guichet_base::{PresenceStatus, Timestamp};

pub type PersonKey = (TenantId, UserId);

/// Shortest interval between writes of a present person's last activity.
const WRITE_EVERY: Duration = Duration::from_secs(60);

/// `PRESENCE_*_SECS`.
#[derive(Debug, Clone, Copy)]
pub struct PresenceTimeouts {
    pub grace: Duration,
    pub idle_after: Duration,
    /// Since the last activity, like `idle_after`.
    pub offline_after: Duration,
}

impl Default for PresenceTimeouts {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(30),
            idle_after: Duration::from_secs(120),
            offline_after: Duration::from_secs(600),
        }
    }
}

/// The presence state of a person at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PresenceState {
    pub status: PresenceStatus,
    /// The last known activity.
    pub seen_at: Timestamp,
    /// Since when they have been present without a break.
    pub online_at: Timestamp,
    /// Whether the grace period after their last connection has ended.
    pub is_gone: bool,
    /// The status last sent to others.
    pub published_status: PresenceStatus,
}

impl PresenceState {
    /// As sent to others: null while the person is online.
    pub fn last_seen(&self) -> Option<Timestamp> {
        (self.status != PresenceStatus::Online).then_some(self.seen_at)
    }
}

#[derive(Debug)]
struct TrackedEntry {
    connections: u32,
    active_at: Timestamp,
    /// The last activity, or the end of the last connection of a person who was online until then.
    seen_at: Timestamp,
    written_at: Option<Timestamp>,
    /// Meaningful while there is no connection.
    lost_at: Timestamp,
    online_at: Timestamp,
    deadline: Option<Timestamp>,
    published_status: PresenceStatus,
}

#[derive(Debug, Default)]
pub struct PresenceTracker {
    people: HashMap<TenantId, HashMap<UserId, TrackedEntry>>,
    deadlines: BTreeSet<(Timestamp, TenantId, UserId)>,
}

impl TrackedEntry {
    fn is_gone(&self, timeouts: &PresenceTimeouts, now: Timestamp) -> bool {
        self.connections == 0 && now >= self.lost_at.plus(timeouts.grace)
    }

    fn status(&self, timeouts: &PresenceTimeouts, now: Timestamp) -> PresenceStatus {
        if self.is_gone(timeouts, now) || now >= self.active_at.plus(timeouts.offline_after) {
            PresenceStatus::Offline
        } else if now >= self.active_at.plus(timeouts.idle_after) {
            PresenceStatus::Idle
        } else {
            PresenceStatus::Online
        }
    }

    /// When time alone may change the state next.
    fn next_deadline(&self, timeouts: &PresenceTimeouts, now: Timestamp) -> Option<Timestamp> {
        let lost = (self.connections == 0).then(|| self.lost_at.plus(timeouts.grace));
        let written =
            self.has_unwritten_activity().then(|| self.written_at.map(|at| at.plus(WRITE_EVERY))).flatten();
        let idle = Some(self.active_at.plus(timeouts.idle_after));
        let offline = Some(self.active_at.plus(timeouts.offline_after));
        [lost, written, idle, offline].into_iter().flatten().filter(|at| *at > now).min()
    }

    fn has_unwritten_activity(&self) -> bool {
        self.written_at.is_none_or(|written| self.seen_at > written)
    }
}

impl PresenceTracker {
    /// Adds a connection. Returns true if others may have to be notified.
    pub fn enter(&mut self, person: PersonKey, timeouts: &PresenceTimeouts, now: Timestamp) -> bool {
        let held = self.people.entry(person.0).or_default().entry(person.1).or_insert_with(|| TrackedEntry {
            connections: 0,
            active_at: now,
            seen_at: now,
            written_at: None,
            lost_at: now,
            online_at: now,
            deadline: None,
            published_status: PresenceStatus::Offline,
        });
        if held.is_gone(timeouts, now) {
            held.online_at = now;
        }
        held.connections = held.connections.saturating_add(1);
        self.touch(person, timeouts, now)
    }

    /// Removes a connection.
    pub fn leave(&mut self, person: PersonKey, timeouts: &PresenceTimeouts, now: Timestamp) {
        let Some(held) = self.entry_mut(person) else { return };
        if held.status(timeouts, now) == PresenceStatus::Online {
            held.seen_at = held.seen_at.max(now);
        }
        held.connections = held.connections.saturating_sub(1);
        if held.connections == 0 {
            held.lost_at = now;
        }
        self.schedule(person, timeouts, now);
    }

    /// Records an activity. Returns true if others may have to be notified. Does nothing for absent people.
    pub fn touch(&mut self, person: PersonKey, timeouts: &PresenceTimeouts, now: Timestamp) -> bool {
        let Some(held) = self.entry_mut(person) else { return false };
        held.active_at = held.active_at.max(now);
        held.seen_at = held.seen_at.max(now);
        let is_news = held.status(timeouts, now) != held.published_status;
        self.schedule(person, timeouts, now);
        is_news
    }

    pub fn presence_state(
        &self,
        person: PersonKey,
        timeouts: &PresenceTimeouts,
        now: Timestamp,
    ) -> Option<PresenceState> {
        let held = self.people.get(&person.0)?.get(&person.1)?;
        Some(PresenceState {
            status: held.status(timeouts, now),
            seen_at: held.seen_at,
            online_at: held.online_at,
            is_gone: held.is_gone(timeouts, now),
            published_status: held.published_status,
        })
    }

    /// Takes the people with a due deadline. Returns the number examined.
    pub fn take_due(
        &mut self,
        timeouts: &PresenceTimeouts,
        now: Timestamp,
        out: &mut Vec<PersonKey>,
    ) -> usize {
        let mut looked = 0;
        while let Some(&(at, tenant, user)) = self.deadlines.first() {
            if at > now {
                break;
            }
            self.deadlines.pop_first();
            looked += 1;
            let Some(held) = self.entry_mut((tenant, user)) else { continue };
            held.deadline = None;
            let is_news = held.status(timeouts, now) != held.published_status || held.is_gone(timeouts, now);
            if is_news || held.has_unwritten_activity() {
                out.push((tenant, user));
            }
            self.schedule((tenant, user), timeouts, now);
        }
        looked
    }

    /// Records that others were notified of `status`, and returns the previous one. People who are gone and written
    /// are forgotten.
    pub fn mark_published(
        &mut self,
        person: PersonKey,
        status: PresenceStatus,
        timeouts: &PresenceTimeouts,
        now: Timestamp,
    ) -> Option<PresenceStatus> {
        let held = self.entry_mut(person)?;
        let before = std::mem::replace(&mut held.published_status, status);
        // A person who left while others were being notified of their arrival is not written yet: a deadline is set.
        if held.is_gone(timeouts, now) && status == PresenceStatus::Offline && !held.has_unwritten_activity()
        {
            self.forget(person);
        }
        Some(before)
    }

    /// The last activity to write: once per minute, and at once when the person became inactive, has just connected,
    /// or the process stops (`is_last`). Counts as written.
    pub fn take_seen(
        &mut self,
        person: PersonKey,
        is_last: bool,
        timeouts: &PresenceTimeouts,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let held = self.entry_mut(person)?;
        let is_time = is_last || held.written_at.is_none_or(|at| now >= at.plus(WRITE_EVERY));
        if !held.has_unwritten_activity()
            || !(is_time || held.status(timeouts, now) != PresenceStatus::Online)
        {
            return None;
        }
        let seen_at = held.seen_at;
        held.written_at = Some(seen_at);
        self.schedule(person, timeouts, now);
        Some(seen_at)
    }

    /// People of the tenant with this status, at most `limit`, in no order.
    pub fn of_tenant(
        &self,
        tenant: TenantId,
        status: PresenceStatus,
        timeouts: &PresenceTimeouts,
        now: Timestamp,
        limit: usize,
    ) -> Vec<UserId> {
        let people = self.people.get(&tenant).into_iter().flatten();
        let fitting = people.filter(|(_, held)| held.status(timeouts, now) == status);
        fitting.map(|(user, _)| *user).take(limit).collect()
    }

    /// Everyone, for the end of the process.
    pub fn everybody(&self) -> Vec<PersonKey> {
        self.people.iter().flat_map(|(tenant, people)| people.keys().map(|user| (*tenant, *user))).collect()
    }

    fn entry_mut(&mut self, (tenant, user): PersonKey) -> Option<&mut TrackedEntry> {
        self.people.get_mut(&tenant)?.get_mut(&user)
    }

    /// Moves the person's deadline forward to the next relevant time, if it is later.
    fn schedule(&mut self, person: PersonKey, timeouts: &PresenceTimeouts, now: Timestamp) {
        let Some(held) = self.entry_mut(person) else { return };
        let Some(next) = held.next_deadline(timeouts, now) else { return };
        let before = held.deadline;
        if before.is_some_and(|before| before <= next) {
            return;
        }
        held.deadline = Some(next);
        if let Some(before) = before {
            self.deadlines.remove(&(before, person.0, person.1));
        }
        self.deadlines.insert((next, person.0, person.1));
    }

    fn forget(&mut self, person: PersonKey) {
        let Some(people) = self.people.get_mut(&person.0) else { return };
        if let Some(TrackedEntry { deadline: Some(at), .. }) = people.remove(&person.1) {
            self.deadlines.remove(&(at, person.0, person.1));
        }
        if people.is_empty() {
            self.people.remove(&person.0);
        }
    }
}
