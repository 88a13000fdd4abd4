//! Retention of the activity log.

use super::reader::section;

section! {
    /// Activity log
    pub struct ActivityConfig {
        /// Days that the activity log is kept; it is deleted by whole months.
        pub audit_retention_days: u32 = "AUDIT_RETENTION_DAYS", "365", in 31..=36_500;
    }
}
