//! Limits of sockets, with their defaults.

use std::time::Duration;

#[derive(Debug, Clone)]
pub struct Settings {
    /// `NOTIFICATION_WS_MAX_CONN`, per process. One more connection supersedes the oldest; 0 = no limit.
    pub connections_per_person: usize,
    pub topics_per_connection: usize,
    /// Of one frame, and of one fragmented message.
    pub max_frame_bytes: usize,
    /// `WS_FRAMES_PER_10S`, with bursts of twice that; 0 = no limit, also not for control frames.
    pub frames_per_10s: u32,
    /// Bytes queued for one slow reader.
    pub queue_bytes: usize,
    /// Bytes of missed events cached in the whole process.
    pub replay_cache_bytes: usize,
    /// Concurrent look-ups of tokens and topics. Fewer than the pool has connections, so that many joins at once
    /// leave some for requests.
    pub max_concurrent_lookups: usize,
    /// A connection without any frame for this long is closed. Clients send heartbeats every 15–30 s.
    pub receive_timeout: Duration,
    /// Sockets that count for no person (no valid token, or superseded); one more closes the oldest of them.
    pub max_unauthenticated: usize,
    /// `CORS_ORIGINS`. `None` = any.
    pub origins: Option<Vec<String>>,
    /// `REPLAY_RETENTION_DAYS`.
    pub retention_days: i32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections_per_person: 5,
            topics_per_connection: 100,
            max_frame_bytes: 64 * 1024,
            frames_per_10s: 60,
            queue_bytes: 256 * 1024,
            replay_cache_bytes: 64 * 1024 * 1024,
            max_concurrent_lookups: 4,
            receive_timeout: Duration::from_secs(100),
            max_unauthenticated: 5_000,
            origins: None,
            retention_days: 7,
        }
    }
}
