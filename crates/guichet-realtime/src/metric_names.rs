//! Names of this crate's metrics. The service describes them.

/// A gauge of open sockets, of all dialects.
pub const WS_ACTIVE_CONNECTIONS: &str = "notifications_ws_active_connections";
/// A counter by `direction` (`in`, `out`) and `dialect` (`phoenix`, `plain`, `socketio`).
pub const WS_FRAMES: &str = "ws_frames_total";
/// A counter of connections asked to resume because their queue was full.
pub const WS_SLOW_CONSUMERS: &str = "ws_slow_consumers_total";
/// A gauge of present people, by `status` (`online`, `idle`).
pub const PRESENCE_PEOPLE: &str = "presence_people";
