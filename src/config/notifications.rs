//! Notifications and their limits.

use super::reader::section;

section! {
    /// Notifications
    pub struct NotificationsConfig {
        /// Maximum notifications pushed to one person per minute; a summary replaces further ones.
        pub rate_per_min: u32 = "NOTIFICATION_RATE_PER_MIN", "20", in 1..=1000;
        /// Hours after which a notification expires if its event sets no expiry. 0: never.
        pub default_ttl_hours: u32 = "NOTIFICATION_DEFAULT_TTL", "0", in 0..=87_600;
        /// Maximum unread notifications sent to a socket when it connects to /ws/notifications.
        pub replay_limit: u32 = "NOTIFICATION_REPLAY_LIMIT", "100", in 0..=1000;
        /// Whether emails are sent.
        pub email_enabled: bool = "NOTIFICATION_EMAIL_ENABLED", "true";
        /// Whether SMS are sent.
        pub sms_enabled: bool = "NOTIFICATION_SMS_ENABLED", "false";
        /// Days for which read and archived notifications are kept. Unread ones are kept without limit.
        pub retention_days: u32 = "NOTIFICATION_RETENTION_DAYS", "365", in 1..=36_500;
        /// Days since a member of a client was last seen, after which the event client.inactive is created.
        pub client_inactive_days: u32 = "CLIENT_INACTIVE_DAYS", "7", in 1..=3_650;
    }
}
