//! Deliveries outside the app: email, SMS and push, planned with their notification, claimed under a lease, sent
//! once.
//!
//! - A row is claimed under a lease with a token. An attempt begins with a committed write, and ends with one that
//!   only the holder of the token can make: a late worker's result is refused, and a worker that dies loses nothing.
//! - The content is rendered and stored before the first attempt, and never again.
//! - An attempt with an unknown result is repeated only if a repeat has no second effect ([`Sender::is_idempotent`]).
//!   Otherwise it stays `sending`, `uncertain`, until a person decides.
//! - Channels and lanes do not wait for each other: each pair has its own slots.

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
    /// Concurrent sends per channel and lane. 0: this process sends nothing.
    pub concurrency: usize,
    /// Percentage of failures above which owners and managers are alerted.
    pub failure_alert_percent: i64,
    /// The base URL of the app, with which links begin.
    pub app_url: Option<Url>,
    /// How long a send may take. Its result is unknown afterwards.
    pub send_timeout: Duration,
    /// How long a worker holds a claim; longer than a send and the write of its result.
    pub lease: Duration,
    /// How long running sends are awaited when the service stops. Their results are unknown afterwards.
    pub shutdown_grace: Duration,
}

impl Settings {
    pub const SEND_TIMEOUT: Duration = Duration::from_secs(10);
    pub const LEASE: Duration = Duration::from_secs(15);
    pub const SHUTDOWN_GRACE: Duration = Duration::from_secs(4);
}
