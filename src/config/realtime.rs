//! Sockets, and how far back they can resume.

use super::reader::section;

section! {
    /// Realtime
    pub struct RealtimeConfig {
        /// Open sockets per person; one more supersedes the oldest.
        pub connections_per_person: usize = "NOTIFICATION_WS_MAX_CONN", "5", in 1..=1000;
        /// Frames per 10 seconds on one socket, with bursts of twice as many. 0: no limit.
        pub frames_per_10s: u32 = "WS_FRAMES_PER_10S", "60", in 0..=1_000_000;
        /// Days that events are kept for those who come back. Older: they read by REST.
        pub replay_retention_days: u32 = "REPLAY_RETENTION_DAYS", "7", in 1..=365;
        /// Seconds without activity after which a connected person shows as idle.
        pub presence_idle_after_secs: u32 = "PRESENCE_IDLE_AFTER_SECS", "120", in 1..=86400;
        /// Seconds without activity after which a connected person shows as offline.
        pub presence_offline_after_secs: u32 = "PRESENCE_OFFLINE_AFTER_SECS", "600", in 1..=604800;
        /// Seconds after the last connection in which a person may come back without anybody noticing.
        pub presence_grace_secs: u32 = "PRESENCE_GRACE_SECS", "30", in 0..=3600;
    }
}
