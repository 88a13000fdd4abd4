//! The task that advances presence with time: it finds who is idle, gone or back, and notifies their audiences.
//!
//! It runs once per second, and at once when a person connects. The backend is asked once per tenant and batch, not
//! per person: while one batch is processed, the next collects. What fails (the database is unavailable) is retried.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use guichet_base::id::{TenantId, UserId};
use guichet_base::{PresenceStatus, Timestamp};
use metrics::{Gauge, gauge};
use parking_lot::Mutex;
use serde_json::json;
use serde_json::value::to_raw_value;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::roster::FLUSH_EVERY;
use crate::backend::{PresenceAudience, SocketBackend};
use crate::hub::Hub;
use crate::hub::connection::SessionOrder;
use crate::hub::event::Signal;
use crate::metric_names::PRESENCE_PEOPLE;
use crate::presence::tracker::{PersonKey, PresenceState};

const TICK: Duration = Duration::from_secs(1);
/// People per query and per write.
const BATCH: usize = 500;
/// Most people whose last activity waits to be written; the activity of others keeps the value of the minute before.
const MAX_UNSAVED: usize = 100_000;
const UPDATE: &str = "presence:update";

#[derive(Clone)]
pub struct PresenceDriver {
    hub: Arc<Hub>,
    backend: Arc<dyn SocketBackend>,
    online: Gauge,
    idle: Gauge,
    /// Writes that failed, retried every second.
    unsaved: Arc<Mutex<HashMap<PersonKey, Timestamp>>>,
}

impl PresenceDriver {
    pub fn new(hub: Arc<Hub>, backend: Arc<dyn SocketBackend>) -> Self {
        let of = |status: PresenceStatus| gauge!(PRESENCE_PEOPLE, "status" => status.into_str());
        Self {
            hub,
            backend,
            online: of(PresenceStatus::Online),
            idle: of(PresenceStatus::Idle),
            unsaved: Arc::default(),
        }
    }

    /// Starts the tasks; they end when `stop` is cancelled.
    pub fn spawn(self, tracker: &TaskTracker, stop: &CancellationToken) {
        let (driver, until) = (self.clone(), stop.clone());
        tracker.spawn(async move { driver.run(until).await });
        tracker.spawn(stop.clone().run_until_cancelled_owned(async move { self.flush().await }));
    }

    async fn run(&self, stop: CancellationToken) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = tick.tick() => {}
                () = self.hub.presence().arrived() => {}
            }
            self.turn().await;
        }
        self.save_last_seen(self.hub.presence().all_people(), true).await;
    }

    async fn flush(&self) {
        loop {
            self.hub.presence().to_flush().await;
            self.hub.presence().flush_changed();
            sleep(FLUSH_EVERY).await;
        }
    }

    /// Does everything that is due.
    async fn turn(&self) {
        let presence = self.hub.presence();
        let now = presence.now();
        presence.expire(now);
        let moved = presence.take_people_to_notify(now);
        self.save_last_seen(moved.iter().copied(), false).await;
        for (tenant, users) in group_by_tenant(moved) {
            for batch in users.chunks(BATCH) {
                self.notify_audiences(tenant, batch).await;
            }
        }
    }

    async fn notify_audiences(&self, tenant: TenantId, users: &[UserId]) {
        let presence = self.hub.presence();
        let standing = |user: &UserId| presence.presence_state((tenant, *user)).is_some();
        let users: Vec<UserId> = users.iter().copied().filter(standing).collect();
        if users.is_empty() {
            return;
        }
        match self.backend.presence_audiences(tenant, users.clone()).await {
            Ok(reached) => {
                let mut reached: HashMap<UserId, PresenceAudience> =
                    reached.into_iter().map(|reach| (reach.user, reach)).collect();
                for user in users {
                    self.publish_person((tenant, user), reached.remove(&user));
                }
            }
            Err(error) => {
                tracing::warn!(%error, people = users.len(), "presence could not be published; retrying");
                presence.requeue(users.into_iter().map(|user| (tenant, user)));
            }
        }
    }

    fn publish_person(&self, person: PersonKey, reach: Option<PresenceAudience>) {
        let presence = self.hub.presence();
        let Some(stand) = presence.presence_state(person) else { return };
        let (user_type, default_topics, told) = match reach {
            Some(reach) => (reach.user_type, reach.default_topics, reach.recipients),
            // The person no longer exists.
            None => (guichet_base::role::UserType::Client, Vec::new(), Vec::new()),
        };
        let default_topics = if stand.is_gone { Vec::new() } else { default_topics };
        // Counters are updated first, so that the rosters notified below agree with them.
        let before = presence.mark_published(person, stand.status).unwrap_or(stand.published_status);
        presence.set_default_topics(person, user_type, default_topics);
        if before == stand.status {
            return;
        }
        self.adjust_gauge(before, -1.0);
        self.adjust_gauge(stand.status, 1.0);
        let payload = update_payload(person.1, &stand);
        for (topic, audience) in told {
            match to_raw_value(&payload) {
                Ok(payload) => {
                    let name = UPDATE.into();
                    let signal = Signal { tenant: person.0, topic, name, payload, copies: Vec::new() };
                    self.hub.signal_to(signal, &audience);
                }
                Err(error) => tracing::error!(%error, "presence could not be written as JSON"),
            }
        }
        for connection in self.hub.connections_of(person) {
            connection.order(SessionOrder::PresenceChanged);
        }
    }

    fn adjust_gauge(&self, status: PresenceStatus, by: f64) {
        match status {
            PresenceStatus::Online => self.online.increment(by),
            PresenceStatus::Idle => self.idle.increment(by),
            // Offline people are not counted.
            PresenceStatus::Offline => {}
        }
    }

    async fn save_last_seen(&self, people: impl IntoIterator<Item = PersonKey>, is_last: bool) {
        let presence = self.hub.presence();
        let mut all = std::mem::take(&mut *self.unsaved.lock());
        all.extend(
            people.into_iter().filter_map(|person| Some((person, presence.take_last_seen(person, is_last)?))),
        );
        let mut seen: HashMap<TenantId, Vec<(UserId, Timestamp)>> = HashMap::new();
        for ((tenant, user), at) in all {
            seen.entry(tenant).or_default().push((user, at));
        }
        for (tenant, seen) in seen {
            for batch in seen.chunks(BATCH) {
                if let Err(error) = self.backend.save_last_seen(tenant, batch.to_vec()).await {
                    tracing::warn!(%error, people = batch.len(), "when people were last seen was not written");
                    let mut unsaved = self.unsaved.lock();
                    let room = MAX_UNSAVED.saturating_sub(unsaved.len());
                    unsaved.extend(batch.iter().take(room).map(|(user, at)| ((tenant, *user), *at)));
                }
            }
        }
    }
}

/// The payload of `presence:update`.
fn update_payload(user: UserId, stand: &PresenceState) -> serde_json::Value {
    json!({ "user_id": user, "status": stand.status, "last_seen": stand.last_seen() })
}

fn group_by_tenant(people: impl IntoIterator<Item = PersonKey>) -> HashMap<TenantId, Vec<UserId>> {
    let mut tenants: HashMap<TenantId, Vec<UserId>> = HashMap::new();
    for (tenant, user) in people {
        tenants.entry(tenant).or_default().push(user);
    }
    tenants
}
