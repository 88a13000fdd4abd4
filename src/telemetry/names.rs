//! The names of all metrics, and nothing else. Labels come from closed sets: a route is its pattern, never
//! a path with ids in it.

pub use guichet_realtime::metric_names::{
    PRESENCE_PEOPLE, WS_ACTIVE_CONNECTIONS, WS_FRAMES, WS_SLOW_CONSUMERS,
};

/// A counter of committed messages.
pub const MESSAGES_SENT: &str = "messages_sent_total";
/// A histogram: seconds from a message's arrival to the hand-over to a recipient's socket.
pub const MESSAGE_DELIVERY_SECONDS: &str = "message_delivery_seconds";
/// A histogram of seconds, by `method`, `route` (pattern, or `unmatched`) and `status`.
pub const HTTP_REQUEST_DURATION_SECONDS: &str = "http_request_duration_seconds";
/// A gauge of connections that run a transaction, by `pool` (`app`, `worker`).
pub const DB_POOL_IN_USE: &str = "db_pool_in_use";
/// A gauge of callers that wait for a connection, by `pool`.
pub const DB_POOL_WAITING: &str = "db_pool_waiting";
/// A gauge of the most connections that may be open, by `pool`.
pub const DB_POOL_SIZE: &str = "db_pool_size";
/// A counter by `channel`, `type` (a built-in template, `digest`, `other`) and `status` (`sent`, `failed`, `skipped` …).
pub const NOTIFICATIONS_SENT: &str = "notifications_sent_total";
/// A gauge of deliveries that are queued or under way, by `lane` (`critical`, `normal`, `bulk`).
pub const DELIVERY_QUEUE_DEPTH: &str = "delivery_queue_depth";
/// A gauge: how long the delivery has been due that has waited longest, by `lane`.
pub const DELIVERY_OLDEST_SECONDS: &str = "delivery_oldest_seconds";
/// A counter of alerts that too many emails fail.
pub const DELIVERY_FAILURE_ALERTS: &str = "delivery_failure_alerts_total";
/// A counter by `job` (its registered name) and `outcome` (`ok`, `error`).
pub const JOB_RUNS: &str = "job_runs_total";
/// A counter of events from other backends, by `source` (`channel`, `stream`) and `outcome`: `accepted`, `repeated`,
/// `rejected` (kept with its reason), `unreadable` (of no known tenant, so nobody could be told), `lost` (of the
/// channel: no room, or the database was away for too long), `postponed` (of the stream: it stays there).
pub const EVENTS_RECEIVED: &str = "events_received_total";
