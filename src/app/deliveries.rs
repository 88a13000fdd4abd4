//! Builds the deliveries. No channel has a provider yet, so all use the log sender.

use std::sync::Arc;

use crate::config;
use crate::deliveries::{Deliveries, LogSender, Senders, Settings};
use crate::notifications::Notifications;

pub fn build(config: &config::DeliveriesConfig, notifications: &Notifications) -> Deliveries {
    Deliveries {
        notifications: notifications.clone(),
        senders: Senders::uniform(Arc::new(LogSender)),
        settings: Settings {
            concurrency: config.concurrency,
            failure_alert_percent: config.failure_alert_rate.into(),
            app_url: config.app_url.clone(),
            send_timeout: Settings::SEND_TIMEOUT,
            lease: Settings::LEASE,
            shutdown_grace: Settings::SHUTDOWN_GRACE,
        },
        wake: Arc::clone(&notifications.deliveries_due),
    }
}
