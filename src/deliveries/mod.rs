//! What leaves the house: email, SMS and push, planned with their notification, claimed under a lease, sent once.
//!
//! - A row is claimed under a lease with a token. An attempt begins by a committed write, and ends by one that only the
//!   holder of the token can make: a late worker's result is refused, and a worker that dies loses nothing.
//! - What is sent is rendered and stored before the first attempt, and never again.
//! - An attempt whose end nobody knows is made again only where a repeat has no second effect
//!   ([`Sender::bears_repeats`]); else it stays `sending`, `uncertain`, for somebody to settle.
//! - Channels and lanes do not wait for each other: each pair has its own slots.

pub mod check;
mod content;
pub mod failures;
pub mod gauges;
pub mod http;
pub mod model;
mod policy;
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

/// What this room works with. Cheap to clone.
#[derive(Clone)]
pub struct Deliveries {
    pub notifications: Notifications,
    pub senders: Senders,
    pub settings: Settings,
    /// Poked after the commit of rows that are due at once.
    pub wake: Arc<tokio::sync::Notify>,
}

#[derive(Debug, Clone)]
pub struct Settings {
    /// Sends at once per channel and lane. 0: this process sends nothing.
    pub concurrency: usize,
    /// Failures among a hundred outcomes above which owners and managers are told.
    pub failure_alert_percent: i64,
    /// Where the app is: links begin with it.
    pub app_url: Option<Url>,
    /// How long a send may take. Its end is then unknown.
    pub send_timeout: Duration,
    /// How long a worker holds what it claimed; longer than a send and the writing of its end.
    pub lease: Duration,
    /// How long a send in flight is waited for once the service stops. Its end is then unknown.
    pub stop_patience: Duration,
}

impl Settings {
    pub const SEND_TIMEOUT: Duration = Duration::from_secs(10);
    pub const LEASE: Duration = Duration::from_secs(15);
    pub const STOP_PATIENCE: Duration = Duration::from_secs(4);
}
