//! Deliveries outside the app: email, SMS and push. They are planned with their notification, claimed under a lease
//! once.
//!
//! - A row is claimed under a lease with a token. An attempt begins with a committed write, and ends with one that
//!   only the holder of the token can make: the result of an expired lease is refused, and a crash loses no delivery.
//! - The content is rendered and stored before the first attempt; later attempts send the stored content.
//! - An attempt with an unknown result is repeated only if a repeat has no second effect ([`Sender::is_idempotent`]).
//!   Otherwise it stays `sending`, `uncertain`, until a manual retry or its deadline.
//! - Channels and lanes do not wait for each other: each pair of channel and lane has its own slots.

mod content;
pub mod failure_alert;
pub mod gauges;
pub mod http;
pub mod model;
mod policy;
pub mod recheck;
mod render;
mod retry;
pub mod sender;
mod service;
mod slots;
mod store;
mod telemetry;
mod worker;

use std::sync::Arc;
use std::time::Duration;

pub use model::{Delivery, DeliveryStatus, Lane};
use reqwest::Url;
pub use sender::{DeliveryContent, LogSender, OutgoingDelivery, SendFailure, SendReceipt, Sender, Senders};
pub use worker::{drain, run_worker};

use crate::notifications::Notifications;

/// The dependencies of deliveries. Cheap to clone.
#[derive(Clone)]
pub struct Deliveries {
    pub notifications: Notifications,
    pub senders: Senders,
    pub settings: Settings,
    /// Notified after the commit of rows that are due at once.
    pub wake: Arc<tokio::sync::Notify>,
}

#[derive(Debug, Clone)]
pub struct Settings {
    /// Concurrent sends per channel and lane. With 0, this process sends nothing.
    pub concurrency: usize,
    /// Percentage of failures above which owners and managers are alerted.
    pub failure_alert_percent: i64,
    /// The base URL of the app, which links are resolved against.
    pub app_url: Option<Url>,
    /// How long a send may take. After a timeout, its result is unknown.
    pub send_timeout: Duration,
    /// How long a worker holds a claim; longer than a send and the write of its result.
    pub lease: Duration,
    /// How long the stop of the service waits for running sends. The results of sends that it interrupts are unknown.
    pub shutdown_grace: Duration,
}

impl Settings {
    pub const SEND_TIMEOUT: Duration = Duration::from_secs(10);
    pub const LEASE: Duration = Duration::from_secs(15);
    pub const SHUTDOWN_GRACE: Duration = Duration::from_secs(4);
}
