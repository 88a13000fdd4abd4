//! How long what was done is remembered.

use super::reader::section;

section! {
    /// Activity log
    pub struct ActivityConfig {
        /// Days that the activity log is kept; it goes by whole months.
        pub audit_retention_days: u32 = "AUDIT_RETENTION_DAYS", "365", in 31..=36_500;
    }
}
