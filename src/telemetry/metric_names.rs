//! The names of all metrics. Label values come from closed sets: a route is its pattern, never a path with ids.

pub use guichet_realtime::metric_names::{
    PRESENCE_PEOPLE, WS_ACTIVE_CONNECTIONS, WS_FRAMES, WS_SLOW_CONSUMERS,
};

/// A counter of committed messages.
pub const MESSAGES_SENT: &str = "messages_sent_total";
/// A histogram: seconds from the arrival of a message to its delivery to a recipient's socket.
pub const MESSAGE_DELIVERY_SECONDS: &str = "message_delivery_seconds";
/// A histogram of seconds, by `method`, `route` (pattern, or `unmatched`) and `status`.
pub const HTTP_REQUEST_DURATION_SECONDS: &str = "http_request_duration_seconds";
/// A gauge of connections in use, by `pool` (`app`, `worker`, `jobs`).
pub const DB_POOL_IN_USE: &str = "db_pool_in_use";
/// A gauge of requests and jobs that wait for a connection, by `pool`.
pub const DB_POOL_WAITING: &str = "db_pool_waiting";
/// A gauge of the maximum number of connections, by `pool`.
pub const DB_POOL_SIZE: &str = "db_pool_size";
/// A counter by `channel`, `type` (built-in template, `digest`, `other`) and `status` (`sent`, `failed`, `skipped` …).
pub const NOTIFICATIONS_SENT: &str = "notifications_sent_total";
/// A gauge of deliveries that are queued or under way, by `lane` (`critical`, `normal`, `bulk`).
pub const DELIVERY_QUEUE_DEPTH: &str = "delivery_queue_depth";
/// A gauge of seconds since the oldest waiting delivery became due, by `lane`.
pub const DELIVERY_OLDEST_SECONDS: &str = "delivery_oldest_seconds";
/// A counter of alerts about failing emails.
pub const DELIVERY_FAILURE_ALERTS: &str = "delivery_failure_alerts_total";
/// A counter by `job` (its registered name) and `outcome` (`ok`, `error`).
pub const JOB_RUNS: &str = "job_runs_total";
/// A counter of events from other backends, by `source` (`channel`, `stream`) and `outcome`: `accepted`, `repeated`,
/// `rejected` (stored with its reason), `unreadable` (no known tenant), `lost` (of the channel: the queue was
/// full, or the database was unavailable for too long), `postponed` (stream only: it stays there).
pub const EVENTS_RECEIVED: &str = "events_received_total";
