//! Emails, SMS and push notifications.

use reqwest::Url;

use super::reader::section;

section! {
    /// Deliveries
    pub struct DeliveriesConfig {
        /// Base URL of the app, for links in emails and SMS. Not set: they have no links.
        pub app_url: Option<Url> = "APP_URL", "";
        /// Concurrent sends per channel and lane (critical, normal, bulk). 0: this process sends nothing, other
        /// processes send instead.
        pub concurrency: usize = "DELIVERY_CONCURRENCY", "16", in 0..=1000;
        /// Percentage of failed emails (of at least 5 within 15 minutes) above which owners and managers are alerted.
        pub failure_alert_rate: u32 = "DELIVERY_FAILURE_ALERT_RATE", "20", in 1..=100;
    }
}
