//! Notifications: from a business event to the feed of each recipient.
//!
//! The design is `docs/notifications.md`. Every change of a person's notifications happens under the lock of their
//! row in `notification_feeds`; conversations are locked before feeds.

mod changes;
pub mod chat_source;
pub mod dead_letters;
pub mod events;
mod expired;
mod explain;
pub mod feed;
pub mod intake;
pub mod jobs;
pub mod live;
pub mod manual;
pub mod model;
mod pipeline;
mod policy;
pub mod socket_events;
pub mod summary;
pub mod templates;

use std::sync::Arc;
use std::time::Duration;

pub use changes::{NOTIFICATIONS, changed_rows};
use guichet_base::Clock;
use guichet_base::id::UserId;
use guichet_db::Db;
use guichet_realtime::Hub;

use crate::directory::Directory;

/// The dependencies of notifications. Cheap to clone.
#[derive(Clone)]
pub struct Notifications {
    pub db: Db,
    pub directory: Directory,
    pub hub: Arc<Hub>,
    pub clock: Clock,
    pub settings: Settings,
    /// Wakes the task that writes large audiences.
    pub wake: Arc<tokio::sync::Notify>,
    /// Wakes the delivery workers.
    pub deliveries_due: Arc<tokio::sync::Notify>,
}

/// Settings from the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Pushes to one person within 60 s.
    pub rate_per_min: usize,
    /// Lifetime of notifications whose event sets none.
    pub default_ttl: Option<Duration>,
    /// Unread notifications sent on connect to sockets of dialects without joins.
    pub replay_limit: i64,
    pub email_enabled: bool,
    pub sms_enabled: bool,
}

/// The numbered topic of a person's notifications.
pub fn topic(user: UserId) -> String {
    format!("{TOPIC}{user}")
}

/// The person whose notifications topic this is.
pub fn user_of(topic: &str) -> Option<UserId> {
    topic.strip_prefix(TOPIC)?.parse().ok()
}

const TOPIC: &str = "client:notifications:";

/// Whether a link stays within the app: `//host` and `/\\host` would leave it.
pub fn is_relative(link: &str) -> bool {
    let mut chars = link.chars();
    chars.next() == Some('/')
        && !matches!(chars.next(), Some('/' | '\\'))
        && link.chars().count() <= 2_000
        && !link.chars().any(char::is_control)
}

/// The routes of this module. They need a `web::Data<Notifications>`.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    explain::routes(config);
    // Before the routes of events, whose `{id}` would match the literal path.
    dead_letters::http::routes(config);
    events::http::routes(config);
    manual::http::routes(config);
    // Its pattern `/notifications/{id}` would match the literal paths of the others.
    feed::http::routes(config);
}
