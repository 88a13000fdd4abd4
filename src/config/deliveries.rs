//! What leaves the house: emails, SMS, pushes.

use reqwest::Url;

use super::reader::section;

section! {
    /// Deliveries
    pub struct DeliveriesConfig {
        /// Where people open the app: links in emails and SMS begin with it. Not set: they hold no link.
        pub app_url: Option<Url> = "APP_URL", "";
        /// Sends at once per channel and lane (critical, normal, bulk). 0: this process sends nothing, and leaves it
        /// to others.
        pub concurrency: usize = "DELIVERY_CONCURRENCY", "16", in 0..=1000;
        /// Failures among a hundred emails, of at least 5 within 15 minutes, above which owners and managers are
        /// told.
        pub failure_alert_rate: u32 = "DELIVERY_FAILURE_ALERT_RATE", "20", in 1..=100;
    }
}
