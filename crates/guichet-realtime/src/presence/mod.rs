//! Presence: people's states, the people on each topic, and the notification of their audiences.
//!
//! - [`tracker`]: people over time: online, idle, offline. Pure.
//! - [`roster`], [`watcher`], [`meta`]: the people on a topic, for `presence_state` and `presence_diff`. Pure.
//! - [`driver`]: the task that advances time and notifies.
//! - This file shares them between threads. Locks are taken in one order: roster, tracker, mailbox.
//!
//! The backend decides which people see each other, with [`PresenceAudience`](crate::backend::PresenceAudience) and
//! [`Visibility`](crate::backend::Visibility).

mod driver;
mod meta;
mod roster;
mod roster_key;
mod tracker;
mod watcher;

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test stops at what it did not expect")]
mod tests;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use guichet_base::id::{TenantId, UserId};
use guichet_base::role::UserType;
use guichet_base::{Clock, PresenceStatus, Timestamp};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

pub(super) use self::driver::PresenceDriver;
pub use self::meta::TrackedFields;
use self::roster::Roster;
pub use self::roster_key::{PresenceKey, RosterKey};
use self::tracker::{PersonKey, PresenceTracker};
pub use self::tracker::{PresenceState, PresenceTimeouts};
pub use self::watcher::{SnapshotProgress, Watcher};
use crate::hub::TopicKey;
use crate::hub::connection::JoinId;

const SHARDS: usize = 32;
/// Grace periods of lost devices are rounded up to this, so that a thousand of them on one topic are processed at
/// once.
const GRACE_STEP_MILLIS: i64 = 500;

type Rosters = HashMap<TenantId, HashMap<Box<str>, Roster>>;

#[derive(Default)]
pub struct Presence {
    clock: Clock,
    timeouts: PresenceTimeouts,
    hasher: RandomState,
    trackers: [Mutex<PresenceTracker>; SHARDS],
    rosters: [Mutex<Rosters>; SHARDS],
    /// The default topics of people, besides those that they joined.
    default_topics: Mutex<HashMap<PersonKey, Vec<Box<str>>>>,
    /// People whose audiences may have to be notified.
    people_to_notify: Mutex<HashSet<PersonKey>>,
    arrival: Notify,
    /// Topics with lost devices, by the end of their grace period.
    grace_ends: Mutex<BTreeSet<(Timestamp, TopicKey)>>,
    /// Topics whose watchers have to be notified.
    topics_to_flush: Mutex<HashSet<TopicKey>>,
    flush_requested: Notify,
    references: AtomicU64,
}

/// A join of a topic.
pub struct PresenceJoin {
    pub tenant: TenantId,
    pub topic: Box<str>,
    pub roster_key: RosterKey,
    pub user_type: UserType,
    pub join: JoinId,
    /// Set if the join asked for presence.
    pub watcher: Option<Watcher>,
}

/// People.
impl Presence {
    pub fn new(clock: Clock, timeouts: PresenceTimeouts) -> Self {
        Self { clock, timeouts, ..Self::default() }
    }

    pub fn presence_state(&self, person: PersonKey) -> Option<PresenceState> {
        self.tracker(person).presence_state(person, &self.timeouts, self.clock.now())
    }

    pub fn people_with_status(&self, tenant: TenantId, status: PresenceStatus, limit: usize) -> Vec<UserId> {
        let (now, mut found) = (self.clock.now(), Vec::new());
        for shard in &self.trackers {
            let left = limit - found.len();
            found.extend(shard.lock().of_tenant(tenant, status, &self.timeouts, now, left));
        }
        found
    }

    pub fn add_connection(&self, person: PersonKey) {
        let is_news = self.tracker(person).enter(person, &self.timeouts, self.clock.now());
        self.queue_notification(person, is_news);
    }

    pub fn remove_connection(&self, person: PersonKey) {
        self.tracker(person).leave(person, &self.timeouts, self.clock.now());
    }

    /// Records an activity of the person. Costs one of many locks, and nothing else for people without a connection.
    pub fn touch(&self, person: PersonKey) {
        let is_news = self.tracker(person).touch(person, &self.timeouts, self.clock.now());
        self.queue_notification(person, is_news);
    }

    /// The audience of the person may have changed and is loaded again.
    pub fn refresh_audience(&self, person: PersonKey) {
        let is_there = self.presence_state(person).is_some();
        self.queue_notification(person, is_there);
    }

    fn queue_notification(&self, person: PersonKey, is_news: bool) {
        if is_news {
            self.people_to_notify.lock().insert(person);
            self.arrival.notify_one();
        }
    }

    fn tracker(&self, person: PersonKey) -> MutexGuard<'_, PresenceTracker> {
        shard(&self.trackers, self.hasher.hash_one(person)).lock()
    }

    fn status_since(&self, tenant: TenantId, user: UserId) -> (PresenceStatus, Option<Timestamp>) {
        match self.presence_state((tenant, user)) {
            Some(stand) => (stand.status, Some(stand.online_at)),
            None => (PresenceStatus::Offline, None),
        }
    }
}

/// Topics.
impl Presence {
    /// Adds a device to a topic. Call it after the join's reply was queued.
    pub fn join(&self, joining: PresenceJoin) {
        let PresenceJoin { tenant, topic, roster_key, user_type, join, watcher } = joining;
        self.update_roster(tenant, &topic, true, |roster| {
            roster.join(roster_key, user_type, join);
            if let Some(watcher) = watcher {
                roster.watch(watcher);
            }
        });
    }

    /// Returns false if the device has not joined.
    pub fn track(
        &self,
        tenant: TenantId,
        topic: &str,
        roster_key: &RosterKey,
        join: JoinId,
        tracked: Option<TrackedFields>,
    ) -> bool {
        let mut is_joined = false;
        self.update_roster(tenant, topic, false, |roster| {
            is_joined = roster.track(roster_key, join, tracked)
        });
        is_joined
    }

    /// Removes a device that left a topic.
    pub fn leave_topic(&self, tenant: TenantId, topic: &str, roster_key: &RosterKey, join: JoinId) {
        self.update_roster(tenant, topic, false, |roster| roster.leave(roster_key, join));
    }

    /// Removes a device whose connection was lost: its entry stays for the grace period.
    pub fn lose(&self, tenant: TenantId, topic: &str, roster_key: &RosterKey, join: JoinId) {
        let end = self.clock.now().plus(self.timeouts.grace).as_millis();
        let until = Timestamp::from_millis((end / GRACE_STEP_MILLIS + 1) * GRACE_STEP_MILLIS);
        self.grace_ends.lock().insert((until, (tenant, topic.into())));
        self.update_roster(tenant, topic, false, |roster| roster.lose(roster_key, join, until));
    }

    /// The server's fields of the person may have changed.
    pub fn mark_changed(&self, tenant: TenantId, topic: &str, user: UserId) {
        self.update_roster(tenant, topic, false, |roster| roster.mark(user));
    }

    /// The watcher lost a frame and gets the complete state again.
    pub fn refresh(&self, tenant: TenantId, topic: &str, join: JoinId) {
        self.update_roster(tenant, topic, false, |roster| roster.refresh(join));
    }

    /// Sets the person's default topics.
    fn set_default_topics(&self, person: PersonKey, user_type: UserType, default_topics: Vec<Box<str>>) {
        let (tenant, user) = person;
        let before = {
            let mut held = self.default_topics.lock();
            if default_topics.is_empty() {
                held.remove(&person)
            } else {
                held.insert(person, default_topics.clone())
            }
        };
        for topic in before.iter().flatten().filter(|topic| !default_topics.contains(topic)) {
            self.update_roster(tenant, topic, false, |roster| {
                roster.set_default_presence(user, user_type, false)
            });
        }
        for topic in &default_topics {
            self.update_roster(tenant, topic, true, |roster| {
                roster.set_default_presence(user, user_type, true);
                roster.mark(user);
            });
        }
    }

    /// Changes a topic's roster and notifies its watchers: at once after a pause, otherwise soon.
    fn update_roster(&self, tenant: TenantId, topic: &str, is_new: bool, work: impl FnOnce(&mut Roster)) {
        let mut shard = self.roster_shard(tenant, topic);
        if is_new && !shard.get(&tenant).is_some_and(|topics| topics.contains_key(topic)) {
            shard.entry(tenant).or_default().insert(topic.into(), Roster::default());
        }
        let Some(topics) = shard.get_mut(&tenant) else { return };
        let Some(roster) = topics.get_mut(topic) else { return };
        work(roster);
        let now = self.clock.now();
        let is_late = match roster.is_flush_due(now) {
            _ if !roster.is_watched() => false,
            true => self.flush(tenant, topic, roster, now),
            false => true,
        };
        if roster.is_empty() {
            topics.remove(topic);
            if topics.is_empty() {
                shard.remove(&tenant);
            }
        }
        drop(shard);
        if is_late {
            self.topics_to_flush.lock().insert((tenant, topic.into()));
            self.flush_requested.notify_one();
        }
    }

    fn flush(&self, tenant: TenantId, topic: &str, roster: &mut Roster, now: Timestamp) -> bool {
        let look = |user| self.status_since(tenant, user);
        let mut next = || self.references.fetch_add(1, Ordering::Relaxed) + 1;
        roster.flush(topic, now, &look, &mut next)
    }

    /// Notifies the watchers of every changed topic.
    fn flush_changed(&self) {
        let changed = std::mem::take(&mut *self.topics_to_flush.lock());
        for (tenant, topic) in changed {
            let is_behind = {
                let now = self.clock.now();
                let mut shard = self.roster_shard(tenant, &topic);
                let roster = shard.get_mut(&tenant).and_then(|topics| topics.get_mut(&topic));
                roster.is_some_and(|roster| self.flush(tenant, &topic, roster, now))
            };
            if is_behind {
                self.topics_to_flush.lock().insert((tenant, topic));
                self.flush_requested.notify_one();
            }
        }
    }

    /// Removes the entries of lost devices whose grace period has ended.
    fn expire(&self, now: Timestamp) {
        loop {
            let (tenant, topic) = {
                let mut grace_ends = self.grace_ends.lock();
                match grace_ends.first() {
                    Some((until, _)) if *until <= now => {}
                    _ => return,
                }
                let Some((_, key)) = grace_ends.pop_first() else { return };
                key
            };
            self.update_roster(tenant, &topic, false, |roster| roster.expire(now));
        }
    }

    fn roster_shard(&self, tenant: TenantId, topic: &str) -> MutexGuard<'_, Rosters> {
        shard(&self.rosters, self.hasher.hash_one((tenant, topic))).lock()
    }
}

fn shard<T>(shards: &[T; SHARDS], hash: u64) -> &T {
    let [first, ..] = shards;
    shards.get(usize::try_from(hash).unwrap_or(0) % SHARDS).unwrap_or(first)
}

/// For the driver.
impl Presence {
    /// Resolves when a person connected, or became active again.
    async fn arrived(&self) {
        self.arrival.notified().await;
    }

    async fn to_flush(&self) {
        self.flush_requested.notified().await;
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// People with a due deadline.
    fn take_people_to_notify(&self, now: Timestamp) -> HashSet<PersonKey> {
        let mut due = Vec::new();
        for shard in &self.trackers {
            shard.lock().take_due(&self.timeouts, now, &mut due);
        }
        let mut moved = std::mem::take(&mut *self.people_to_notify.lock());
        moved.extend(due);
        moved
    }

    /// They could not be notified: the next turn tries again.
    fn requeue(&self, people: impl IntoIterator<Item = PersonKey>) {
        self.people_to_notify.lock().extend(people);
    }

    fn mark_published(&self, person: PersonKey, status: PresenceStatus) -> Option<PresenceStatus> {
        self.tracker(person).mark_published(person, status, &self.timeouts, self.clock.now())
    }

    fn take_last_seen(&self, person: PersonKey, is_last: bool) -> Option<Timestamp> {
        self.tracker(person).take_seen(person, is_last, &self.timeouts, self.clock.now())
    }

    fn all_people(&self) -> Vec<PersonKey> {
        self.trackers.iter().flat_map(|shard| shard.lock().everybody()).collect()
    }

    #[cfg(test)]
    pub fn roster_count(&self) -> usize {
        self.rosters
            .iter()
            .flat_map(|shard| shard.lock().values().map(HashMap::len).collect::<Vec<_>>())
            .sum()
    }
}

/// The presence key of a join: the requested one, unless it is another person's id. Empty means their own id.
pub fn parse_key(asked: Option<&str>, user: UserId) -> Result<PresenceKey, guichet_base::Error> {
    const MAX_KEY_BYTES: usize = 255;
    let Some(asked) = asked.filter(|asked| !asked.is_empty()) else { return Ok(None) };
    if asked.len() > MAX_KEY_BYTES {
        let fault =
            guichet_base::Fault::new("config.presence.key", "too_long").with_arg("max", MAX_KEY_BYTES);
        return Err(guichet_base::Error::validation(vec![fault]));
    }
    match uuid::Uuid::parse_str(asked) {
        Ok(id) if id == user.0 => Ok(None),
        Ok(_) => Err(guichet_base::Error::forbidden()),
        Err(_) => Ok(Some(asked.into())),
    }
}
