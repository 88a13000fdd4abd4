//! Realtime: what is committed is heard, in order, without gaps and without repeats.
//!
//! One path: a feature writes the row of an [`Event`] to the outbox, in a statement of the transaction of its cause,
//! and after the commit hands the event to [`Hub::publish`]; the hub queues one encoded frame in the mailbox of each
//! subscriber; the mailbox is the body of the connection's response. Whatever that path loses (a process that dies, a slow reader, a phone in a
//! tunnel) comes back from the outbox: the [`relay`] tails it, and a join reads from it what was missed.
//!
//! - [`Hub`]: topics, positions, subscribers, who is online. Never waits; callable from any thread.
//! - [`Realtime`]: what sessions share; [`http::routes`] mounts the sockets.
//! - [`SocketBackend`]: what the service must answer (tokens, rights, commands). `app` implements it.
//! - [`Log`]: the replay log; [`Outbox`] is PostgreSQL's. `replay`: what many missed, read once. `line`: joins wait
//!   for their turn.
//! - [`Table`]: what a feature declares to have changes of its rows told (`changes`: `postgres_changes`).
//! - `presence`: who is there, and who is told of it.
//! - `codec`: the wire, in three dialects. `session`: one connection. `guard`: frames are refused at their header.
//!
//! The room knows topics, numbers and bytes; it knows nothing of chat.

mod backend;
pub mod http;
mod hub;
mod log;
pub mod metric_names;
mod metrics;
mod presence;
mod row_changes;
mod session;
mod settings;
mod wire;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use guichet_base::Clock;
use guichet_db::Db;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::backend::{
    Audience, Credential, DeliveryReceipt, GrantWithBacklog, PeerInfo, PersistedBroadcast, PresenceAudience,
    Ranks, SocketBackend, TopicGrant, Visibility,
};
use self::hub::connection::{Connection, SessionOrder};
pub use self::hub::event::{Event, SideEvent, Signal};
pub use self::hub::{Hub, HubParts};
pub use self::log::outbox::Outbox;
use self::log::relay::Relay;
use self::log::replay::Replays;
pub use self::log::{Log, NewestSegment, PayloadInterest, TailCursor};
pub use self::presence::{PresenceState, PresenceTimeouts};
pub use self::row_changes::{ChangeKind, Column, ColumnType, ReadScope, RowChange, Rows, Table};
use self::session::join_limiter::JoinLimiter;
pub use self::settings::Settings;
pub use self::wire::Spelling;

/// How many turns draining takes: each closes its share of the sockets.
const STOP_STEPS: u32 = 20;

/// What the sessions of this process share.
pub struct Realtime {
    hub: Arc<Hub>,
    host: Arc<dyn SocketBackend>,
    log: Arc<dyn Log>,
    replays: Arc<Replays>,
    line: JoinLimiter,
    settings: Settings,
    clock: Clock,
    /// Where sessions are spawned; the lifecycle waits for it.
    tracker: TaskTracker,
    sockets: Mutex<HashMap<u64, Arc<Connection>>>,
    /// Those that count for nobody, oldest first, since ids grow: no valid token was shown, or it ended, or newer
    /// connections of the same person took their place.
    unauthenticated: Mutex<BTreeSet<u64>>,
    connections: AtomicU64,
    is_stopping: AtomicBool,
}

impl Realtime {
    /// `hub` is made first, since what `host` is made of publishes to it.
    pub fn new(
        hub: Arc<Hub>,
        host: Arc<dyn SocketBackend>,
        db: Db,
        clock: Clock,
        settings: Settings,
        tracker: TaskTracker,
    ) -> Self {
        Self::with_log(hub, host, Arc::new(Outbox(db)), clock, settings, tracker)
    }

    /// The same over another replay log than PostgreSQL's.
    pub fn with_log(
        hub: Arc<Hub>,
        host: Arc<dyn SocketBackend>,
        log: Arc<dyn Log>,
        clock: Clock,
        settings: Settings,
        tracker: TaskTracker,
    ) -> Self {
        Self {
            hub,
            host,
            replays: Arc::new(Replays::new(Arc::clone(&log), settings.replay_bytes)),
            line: JoinLimiter::new(settings.lookups_at_once),
            log,
            settings,
            clock,
            tracker,
            sockets: Mutex::default(),
            unauthenticated: Mutex::default(),
            connections: AtomicU64::new(0),
            is_stopping: AtomicBool::new(false),
        }
    }

    /// Starts the tasks behind the hub, once; they end when `stop` is cancelled.
    pub fn spawn(&self, tracker: &TaskTracker, stop: &CancellationToken) {
        let relay = Relay {
            hub: Arc::clone(&self.hub),
            log: Arc::clone(&self.log),
            host: Arc::clone(&self.host),
            keep_days: self.settings.replay_days,
        };
        relay.spawn(tracker, stop);
        presence::Driver::new(Arc::clone(&self.hub), Arc::clone(&self.host)).spawn(tracker, stop);
        tracker.spawn(stop.clone().run_until_cancelled_owned(Arc::clone(&self.replays).sweep()));
    }

    /// How many sockets are open.
    pub fn connections(&self) -> usize {
        self.sockets.lock().len()
    }

    /// Takes no more sockets, and closes those that are open with 1012, spread over `spread`, so that their clients
    /// do not all come back elsewhere at once. Returns when all were told.
    pub async fn drain(&self, spread: Duration) {
        self.is_stopping.store(true, Ordering::Relaxed);
        let open: Vec<Arc<Connection>> = self.sockets.lock().values().cloned().collect();
        let share = open.len().div_ceil(STOP_STEPS as usize).max(1);
        for connections in open.chunks(share) {
            for connection in connections {
                connection.order(SessionOrder::Restart);
            }
            tokio::time::sleep(spread / STOP_STEPS).await;
        }
        // Those that were shaking hands when the stop began.
        for connection in self.sockets.lock().values() {
            connection.order(SessionOrder::Restart);
        }
    }

    fn takes_connections(&self) -> bool {
        !self.is_stopping.load(Ordering::Relaxed)
    }

    fn connection(&self) -> Arc<Connection> {
        let id = self.connections.fetch_add(1, Ordering::Relaxed);
        Arc::new(Connection::new(id, self.settings.queue_bytes))
    }

    /// Takes in a connection that shook hands.
    fn admit(&self, connection: &Arc<Connection>) {
        self.sockets.lock().insert(connection.id, Arc::clone(connection));
        self.is_stranger(connection.id);
    }

    /// The connection counts for nobody. Too many such: the oldest of them goes, so that those who fill the place up
    /// cannot keep people out.
    fn is_stranger(&self, connection: u64) {
        let oldest = {
            let mut unauthenticated = self.unauthenticated.lock();
            unauthenticated.insert(connection);
            let is_full = unauthenticated.len() > self.settings.max_unauthenticated;
            is_full.then(|| unauthenticated.pop_first()).flatten()
        };
        if let Some(oldest) = oldest.and_then(|id| self.sockets.lock().get(&id).cloned()) {
            oldest.order(SessionOrder::MakeRoom);
        }
    }

    /// The connection counts for a person, or it is gone.
    fn is_no_stranger(&self, connection: u64) {
        self.unauthenticated.lock().remove(&connection);
    }
}
