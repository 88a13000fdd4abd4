//! WebSockets: committed events reach subscribers in order, without gaps and without duplicates.
//!
//! The path of an event: a feature writes the row of an [`Event`] to the outbox, in the transaction of its cause.
//! After the commit it passes the event to [`Hub::publish`]. The hub queues one encoded frame in the mailbox of each
//! subscriber, and the mailbox is the body of the connection's response. What this path loses (a process that dies, a
//! slow reader, a phone in a tunnel) comes back from the outbox: the relay tails it, and a join reads from it what it
//! missed.
//!
//! - [`Hub`]: topics, stream positions, subscribers, online people. Never blocks; callable from any thread.
//! - [`Realtime`]: state shared by sessions; [`http::routes`] mounts the sockets.
//! - [`SocketBackend`]: what the service provides (authentication, authorization, commands). `app` implements it.
//! - `log`: the replay log [`ReplayLog`], with PostgreSQL's [`Outbox`]; `log::replay` reads missed events once for many
//!   joins.
//! - `row_changes`: `postgres_changes` for each [`Table`] that a feature declares.
//! - `presence`: presence states, and who receives them.
//! - `wire`: the wire formats of three dialects (Phoenix, plain, Socket.IO). `session`: one connection. `http`: the
//!   handshake, and HTTP broadcasts.
//!
//! This crate knows topics, numbers and bytes; it knows nothing of chat.

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
    Audience, AudienceRoles, Credential, DeliveryReceipt, GrantWithBacklog, PeerInfo, PersistedBroadcast,
    PresenceAudience, SocketBackend, TopicGrant, Visibility,
};
use self::hub::connection::{Connection, SessionOrder};
pub use self::hub::event::{Event, SideEvent, Signal};
pub use self::hub::{Hub, HubParts};
pub use self::log::outbox::Outbox;
use self::log::relay::OutboxRelay;
use self::log::replay::ReplayReader;
pub use self::log::{NewestSegment, PayloadInterest, ReplayLog, TailCursor};
pub use self::presence::{PresenceState, PresenceTimeouts};
pub use self::row_changes::{ChangeKind, Column, ColumnType, ReadScope, RowChange, Rows, Table};
use self::session::join_limiter::JoinLimiter;
pub use self::settings::Settings;
pub use self::wire::Spelling;

/// Number of steps of a drain; each closes its share of the sockets.
const DRAIN_STEPS: u32 = 20;

/// The state that all sessions of this process share.
pub struct Realtime {
    hub: Arc<Hub>,
    backend: Arc<dyn SocketBackend>,
    log: Arc<dyn ReplayLog>,
    replays: Arc<ReplayReader>,
    join_limiter: JoinLimiter,
    settings: Settings,
    clock: Clock,
    /// Spawns the sessions; the lifecycle waits for it.
    tracker: TaskTracker,
    open_connections: Mutex<HashMap<u64, Arc<Connection>>>,
    /// Connections that count for no person, oldest first, since ids grow: without a valid token, with an expired
    /// one, or superseded by newer connections of the same person.
    unauthenticated: Mutex<BTreeSet<u64>>,
    next_connection: AtomicU64,
    is_stopping: AtomicBool,
}

impl Realtime {
    /// `hub` is created first, because the parts of `backend` publish to it.
    pub fn new(
        hub: Arc<Hub>,
        backend: Arc<dyn SocketBackend>,
        db: Db,
        clock: Clock,
        settings: Settings,
        tracker: TaskTracker,
    ) -> Self {
        Self::with_log(hub, backend, Arc::new(Outbox(db)), clock, settings, tracker)
    }

    /// The same with a replay log other than PostgreSQL's.
    pub fn with_log(
        hub: Arc<Hub>,
        backend: Arc<dyn SocketBackend>,
        log: Arc<dyn ReplayLog>,
        clock: Clock,
        settings: Settings,
        tracker: TaskTracker,
    ) -> Self {
        Self {
            hub,
            backend,
            replays: Arc::new(ReplayReader::new(Arc::clone(&log), settings.replay_cache_bytes)),
            join_limiter: JoinLimiter::new(settings.max_concurrent_lookups),
            log,
            settings,
            clock,
            tracker,
            open_connections: Mutex::default(),
            unauthenticated: Mutex::default(),
            next_connection: AtomicU64::new(0),
            is_stopping: AtomicBool::new(false),
        }
    }

    /// Starts the background tasks, once; they end when `stop` is cancelled.
    pub fn spawn(&self, tracker: &TaskTracker, stop: &CancellationToken) {
        let relay = OutboxRelay {
            hub: Arc::clone(&self.hub),
            log: Arc::clone(&self.log),
            backend: Arc::clone(&self.backend),
            retention_days: self.settings.retention_days,
        };
        relay.spawn(tracker, stop);
        presence::PresenceDriver::new(Arc::clone(&self.hub), Arc::clone(&self.backend)).spawn(tracker, stop);
        tracker.spawn(stop.clone().run_until_cancelled_owned(Arc::clone(&self.replays).sweep()));
    }

    /// Number of open sockets.
    pub fn connection_count(&self) -> usize {
        self.open_connections.lock().len()
    }

    /// Refuses new sockets, and closes open ones with close code 1012 (service restart), spread over `spread`, so that clients do not all
    /// reconnect at once. Returns when all have been ordered to close.
    pub async fn drain(&self, spread: Duration) {
        self.is_stopping.store(true, Ordering::Relaxed);
        let open: Vec<Arc<Connection>> = self.open_connections.lock().values().cloned().collect();
        let share = open.len().div_ceil(DRAIN_STEPS as usize).max(1);
        for connections in open.chunks(share) {
            for connection in connections {
                connection.order(SessionOrder::Restart);
            }
            tokio::time::sleep(spread / DRAIN_STEPS).await;
        }
        // Connections whose handshake was under way when the drain began.
        for connection in self.open_connections.lock().values() {
            connection.order(SessionOrder::Restart);
        }
    }

    fn accepts_connections(&self) -> bool {
        !self.is_stopping.load(Ordering::Relaxed)
    }

    fn new_connection(&self) -> Arc<Connection> {
        let id = self.next_connection.fetch_add(1, Ordering::Relaxed);
        Arc::new(Connection::new(id, self.settings.queue_bytes))
    }

    /// Registers a connection after its handshake.
    fn admit(&self, connection: &Arc<Connection>) {
        self.open_connections.lock().insert(connection.id, Arc::clone(connection));
        self.add_unauthenticated(connection.id);
    }

    /// Counts the connection as unauthenticated. Above the limit, the oldest of these is closed, so that they cannot
    /// keep people out.
    fn add_unauthenticated(&self, connection: u64) {
        let oldest = {
            let mut unauthenticated = self.unauthenticated.lock();
            unauthenticated.insert(connection);
            let is_full = unauthenticated.len() > self.settings.max_unauthenticated;
            is_full.then(|| unauthenticated.pop_first()).flatten()
        };
        if let Some(oldest) = oldest.and_then(|id| self.open_connections.lock().get(&id).cloned()) {
            oldest.order(SessionOrder::CloseUnauthenticated);
        }
    }

    /// Stops counting the connection as unauthenticated: it now counts for a person, or has ended.
    fn remove_unauthenticated(&self, connection: u64) {
        self.unauthenticated.lock().remove(&connection);
    }
}
