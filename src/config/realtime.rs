//! Sockets, replay and presence.

use super::reader::section;

section! {
    /// Realtime
    pub struct RealtimeConfig {
        /// Maximum open sockets of one person in each process. A further one closes the oldest.
        pub connections_per_person: usize = "NOTIFICATION_WS_MAX_CONN", "5", in 1..=1000;
        /// Frames that a client may send per 10 seconds on one socket, with bursts of twice as many. 0: no limit.
        pub frames_per_10s: u32 = "WS_FRAMES_PER_10S", "60", in 0..=1_000_000;
        /// Days for which events are kept for clients that resume. Older changes must be read over REST.
        pub replay_retention_days: u32 = "REPLAY_RETENTION_DAYS", "7", in 1..=365;
        /// Seconds without activity after which a connected person is shown as idle.
        pub presence_idle_after_secs: u32 = "PRESENCE_IDLE_AFTER_SECS", "120", in 1..=86400;
        /// Seconds without activity after which a connected person is shown as offline.
        pub presence_offline_after_secs: u32 = "PRESENCE_OFFLINE_AFTER_SECS", "600", in 1..=604800;
        /// Seconds after the last connection closed during which a person is not yet shown as offline.
        pub presence_grace_secs: u32 = "PRESENCE_GRACE_SECS", "30", in 0..=3600;
    }
}
