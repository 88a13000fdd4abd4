//! The hub: subscribers of each topic in this process, and the order in which they receive events.
//!
//! - Nothing here blocks: no I/O, no lock across an await. `publish` may be called from any thread, any number of
//!   times per event: the committing process, the tail and the gap filler all publish the same events.
//! - A topic without subscribers has no state.
//! - Locks are taken in one order: shard, topic, mailbox.

pub(crate) mod audience;
pub(crate) mod connection;
pub(crate) mod event;
pub(crate) mod mailbox;
mod pending;
mod person_connections;
mod recent;
pub(super) mod rights;
mod subscriber;
mod topic;

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test stops at what it did not expect")]
mod tests;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use guichet_base::id::{TenantId, UserId};
use guichet_base::{Clock, PresenceStatus};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

pub(crate) use self::pending::PendingTopics;
use self::person_connections::PersonConnections;
use self::recent::RecentEvents;
pub use self::subscriber::Subscriber;
pub use self::topic::Activation;
use self::topic::{Topic, UnnumberedDispatch};
use crate::backend::{Audience, DeliveryReceipt};
use crate::hub::connection::{Connection, JoinId};
use crate::hub::event::{Event, Signal};
use crate::metrics::SocketMetrics;
use crate::presence::{Presence, PresenceState, PresenceTimeouts};
use crate::row_changes::{Changes, Table};
use crate::wire::frame::Frame;
use crate::wire::{BroadcastContent, Spelling};

const SHARDS: usize = 32;

/// A topic of a tenant.
pub type TopicKey = (TenantId, Box<str>);

type Shard = HashMap<TenantId, HashMap<Box<str>, Arc<Mutex<Topic>>>>;

#[derive(Default)]
pub struct Hub {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    recent_events: RecentEvents,
    people: PersonConnections,
    presence: Presence,
    gaps: PendingTopics,
    /// Topics that delivered events since receipts were last collected.
    receipts_due: PendingTopics,
    /// The naming convention of camelCase sockets.
    pub(super) spelling: Spelling,
    /// Notified when rights changed in this process, so that the tail reads at once.
    rights_changed: Notify,
    pub(super) metrics: SocketMetrics,
    /// Subscribers to row changes.
    pub(super) changes: Changes,
}

/// The dependencies of a hub.
#[derive(Default)]
pub struct HubParts {
    pub clock: Clock,
    /// When people count as idle or offline.
    pub presence_timeouts: PresenceTimeouts,
    /// The naming convention of camelCase sockets.
    pub spelling: Spelling,
    /// The tables whose row changes are published.
    pub tables: Vec<&'static Table>,
}

impl Hub {
    pub fn new(parts: HubParts) -> Self {
        Self {
            presence: Presence::new(parts.clock, parts.presence_timeouts),
            spelling: parts.spelling,
            changes: Changes::of(parts.tables),
            ..Self::default()
        }
    }
}

/// Publishing.
impl Hub {
    /// Publishes a committed event. Call it after the commit, never before.
    pub fn publish(&self, event: impl Into<Arc<Event>>) {
        let event = &event.into();
        let first = self.recent_events.insert(event.id);
        if let Some(topic) = self.topic(event.tenant, &event.topic) {
            let gap = {
                let mut topic = topic.lock();
                topic.offer(event);
                topic.gap()
            };
            if gap.is_some() {
                self.gaps.mark(event.tenant, &event.topic);
            }
            self.receipts_due.mark(event.tenant, &event.topic);
        }
        if first {
            self.publish_to_unnumbered(event);
            self.changes.offer(event);
        }
    }

    fn publish_to_unnumbered(&self, event: &Arc<Event>) {
        for copy in &event.copies {
            if let Some(topic) = self.topic(event.tenant, copy) {
                topic.lock().publish(UnnumberedDispatch::Copy(Arc::clone(event)));
            }
        }
        for (index, aside) in event.side_events.iter().enumerate() {
            if let Some(topic) = self.topic(event.tenant, &aside.topic) {
                topic.lock().publish(UnnumberedDispatch::SideEvent(Arc::clone(event), index));
            }
        }
    }

    /// Sends an ephemeral signal to the current subscribers.
    pub fn signal(&self, signal: Signal) {
        let content = BroadcastContent::Ephemeral { event: &signal.name, payload: signal.payload.get() };
        for topic in std::iter::once(&signal.topic).chain(&signal.copies) {
            self.broadcast(signal.tenant, topic, content, None);
        }
    }

    /// Sends an ephemeral signal to the current subscribers in `audience`.
    pub fn signal_to(&self, signal: Signal, audience: &Audience) {
        let content = BroadcastContent::Ephemeral { event: &signal.name, payload: signal.payload.get() };
        for topic in std::iter::once(&signal.topic).chain(&signal.copies) {
            if let Some(topic) = self.topic(signal.tenant, topic) {
                topic.lock().broadcast_to(content, audience);
            }
        }
    }

    /// Sends a client's broadcast to all subscribers of the topic except the join `except`.
    pub fn broadcast(
        &self,
        tenant: TenantId,
        topic: &str,
        content: BroadcastContent<'_>,
        except: Option<JoinId>,
    ) {
        if let Some(topic) = self.topic(tenant, topic) {
            topic.lock().broadcast(content, except);
        }
    }
}

/// Subscribing.
impl Hub {
    /// Subscribes to what is published from now on. The subscriber receives nothing until it is activated, and then
    /// everything that was published in between. A caller that opens must activate or leave.
    pub fn subscribe(&self, tenant: TenantId, topic: &str, subscriber: Subscriber) {
        let mut shard = self.shard(tenant, topic);
        let state = shard
            .entry(tenant)
            .or_default()
            .entry(topic.into())
            .or_insert_with(|| Arc::new(Mutex::new(Topic::new(topic, self.spelling))));
        state.lock().open(subscriber);
    }

    /// Queues the join's reply and lets signals through, while the session reads from the log what it missed.
    pub fn catch_up(&self, tenant: TenantId, topic: &str, id: JoinId, prelude: Vec<Frame>) -> Activation {
        self.with_topic(tenant, topic, |topic| topic.catch_up(id, prelude))
    }

    /// Makes a subscriber that has everything up to `after` live; `prelude` is queued first. `Behind`: the prelude
    /// was queued, and more must be read from the log.
    pub fn activate(
        &self,
        tenant: TenantId,
        topic: &str,
        id: JoinId,
        after: i64,
        prelude: Vec<Frame>,
    ) -> Activation {
        let mut gap = false;
        let activation = self.with_topic(tenant, topic, |topic| {
            let activation = topic.activate(id, after, prelude);
            gap = topic.gap().is_some();
            activation
        });
        if gap {
            self.gaps.mark(tenant, topic);
        }
        self.receipts_due.mark(tenant, topic);
        activation
    }

    /// The same for a topic without numbers.
    pub fn activate_unnumbered(
        &self,
        tenant: TenantId,
        topic: &str,
        id: JoinId,
        prelude: Vec<Frame>,
    ) -> Activation {
        self.with_topic(tenant, topic, |topic| topic.activate_unnumbered(id, prelude))
    }

    /// Ends a subscription in any state.
    pub fn unsubscribe(&self, tenant: TenantId, topic: &str, id: JoinId) {
        self.changes.leave(id);
        let mut shard = self.shard(tenant, topic);
        let Some(topics) = shard.get_mut(&tenant) else { return };
        let Some(state) = topics.get(topic) else { return };
        let is_empty = {
            let mut state = state.lock();
            state.remove(id);
            state.is_empty()
        };
        if is_empty {
            topics.remove(topic);
            if topics.is_empty() {
                shard.remove(&tenant);
            }
        }
    }

    /// The number of the last event given to live subscribers, if the topic has any.
    pub fn position(&self, tenant: TenantId, topic: &str) -> Option<i64> {
        self.topic(tenant, topic).and_then(|topic| topic.lock().position())
    }

    fn with_topic(
        &self,
        tenant: TenantId,
        topic: &str,
        work: impl FnOnce(&mut Topic) -> Activation,
    ) -> Activation {
        match self.topic(tenant, topic) {
            Some(topic) => work(&mut topic.lock()),
            None => Activation::Lost,
        }
    }
}

/// People.
impl Hub {
    /// The person's status: online, idle or offline.
    pub fn status(&self, tenant: TenantId, user: UserId) -> PresenceStatus {
        self.presence_state(tenant, user).map_or(PresenceStatus::Offline, |stand| stand.status)
    }

    /// The person's presence state. `None` for people who are absent beyond the grace period.
    pub fn presence_state(&self, tenant: TenantId, user: UserId) -> Option<PresenceState> {
        self.presence.presence_state((tenant, user))
    }

    /// Online people of the tenant, at most `limit`, in no order.
    pub fn online_people(&self, tenant: TenantId, limit: usize) -> Vec<UserId> {
        self.presence.people_with_status(tenant, PresenceStatus::Online, limit)
    }

    /// Records an activity of the person. Almost free, also for people without a connection.
    pub fn touch(&self, tenant: TenantId, user: UserId) {
        self.presence.touch((tenant, user));
    }

    /// The people who may see this person have changed (another operator in charge, for example): the audience is
    /// loaded again.
    pub fn refresh_presence_audience(&self, tenant: TenantId, user: UserId) {
        self.presence.refresh_audience((tenant, user));
    }

    /// Whether the person has an open, authenticated connection to this process.
    pub fn is_online(&self, tenant: TenantId, user: UserId) -> bool {
        self.people.is_online((tenant, user))
    }

    /// The people subscribed to a topic in this process.
    pub fn live_users(&self, tenant: TenantId, topic: &str) -> Vec<UserId> {
        self.topic(tenant, topic).map(|topic| topic.lock().live_users().collect()).unwrap_or_default()
    }

    /// Those of `users` who have a connection.
    pub fn filter_online(&self, tenant: TenantId, users: &[UserId]) -> Vec<UserId> {
        self.people.filter_online(tenant, users)
    }

    pub(super) fn add_connection(
        &self,
        person: (TenantId, UserId),
        connection: &Arc<Connection>,
        limit: usize,
    ) {
        self.people.add(person, connection, limit);
        self.presence.add_connection(person);
    }

    pub(super) fn remove_connection(&self, person: (TenantId, UserId), connection: u64) {
        self.people.remove(person, connection);
        self.presence.remove_connection(person);
    }

    pub(super) fn presence(&self) -> &Presence {
        &self.presence
    }

    pub(super) fn connections_of(&self, person: (TenantId, UserId)) -> Vec<Arc<Connection>> {
        self.people.connections(person)
    }
}

/// For the relay.
impl Hub {
    pub(super) fn gaps(&self) -> &PendingTopics {
        &self.gaps
    }

    pub(super) fn given(&self) -> &PendingTopics {
        &self.receipts_due
    }

    pub(super) fn mark_gap(&self, key: &TopicKey) {
        self.gaps.mark(key.0, &key.1);
    }

    /// The gap of a topic: after the first number, up to the second.
    pub(super) fn gap(&self, key: &TopicKey) -> Option<(i64, i64)> {
        self.topic(key.0, &key.1).and_then(|topic| topic.lock().gap())
    }

    /// Abandons a gap: the subscribers are asked to join again and resume.
    pub(super) fn abandon_gap(&self, key: &TopicKey) {
        let mut shard = self.shard(key.0, &key.1);
        if let Some(topics) = shard.get_mut(&key.0) {
            if let Some(topic) = topics.remove(&key.1) {
                topic.lock().abandon();
            }
            if topics.is_empty() {
                shard.remove(&key.0);
            }
        }
    }

    /// The events of `key` that sockets received since the last call. A topic with queued frames is added again.
    pub(super) fn collect_receipts(&self, key: TopicKey, out: &mut Vec<DeliveryReceipt>) {
        let Some(topic) = self.topic(key.0, &key.1) else { return };
        let mut readers = Vec::new();
        let waits = topic.lock().collect_receipts(&mut readers);
        out.extend(readers.into_iter().map(|(actor, up_to)| DeliveryReceipt {
            actor,
            topic: key.1.clone(),
            up_to,
        }));
        if waits {
            self.receipts_due.mark(key.0, &key.1);
        }
    }

    /// Whether a subscriber here still needs an event for its own topic only. Does not read the payload.
    pub(super) fn needs_payload(&self, event: &Event) -> bool {
        let is_followed = self
            .topic(event.tenant, &event.topic)
            .is_some_and(|topic| topic.lock().position().is_none_or(|position| position < event.seq));
        is_followed || (self.changes.concern_anybody(event) && !self.recent_events.contains(event.id))
    }

    pub(super) fn sweep(&self) {
        self.recent_events.sweep();
    }

    fn topic(&self, tenant: TenantId, topic: &str) -> Option<Arc<Mutex<Topic>>> {
        self.shard(tenant, topic).get(&tenant)?.get(topic).cloned()
    }

    fn shard(&self, tenant: TenantId, topic: &str) -> MutexGuard<'_, Shard> {
        let hash = self.hasher.hash_one((tenant, topic));
        let [first, ..] = &self.shards;
        let index = usize::try_from(hash).unwrap_or(0) % SHARDS;
        self.shards.get(index).unwrap_or(first).lock()
    }

    /// Number of topics with subscribers.
    #[cfg(test)]
    pub(super) fn topic_count(&self) -> usize {
        self.shards.iter().flat_map(|shard| shard.lock().values().map(HashMap::len).collect::<Vec<_>>()).sum()
    }
}
