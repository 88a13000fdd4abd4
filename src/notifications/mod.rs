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
    pub audiences_due: Arc<tokio::sync::Notify>,
    /// Wakes the delivery workers.
    pub deliveries_due: Arc<tokio::sync::Notify>,
}

/// Settings from the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Maximum number of notifications to one person within 60 seconds, before the throttle applies.
    pub rate_per_min: usize,
    /// Lifetime of notifications whose event sets none.
    pub default_ttl: Option<Duration>,
    /// Maximum number of unread notifications sent on connect to sockets of dialects without joins.
    pub replay_limit: i64,
    pub email_enabled: bool,
    pub sms_enabled: bool,
}

/// The topic of a person's notifications, whose events have sequence numbers.
pub fn topic(user: UserId) -> String {
    format!("{TOPIC_PREFIX}{user}")
}

/// The owner of a notifications topic; `None` for other topics.
pub fn user_of_topic(topic: &str) -> Option<UserId> {
    topic.strip_prefix(TOPIC_PREFIX)?.parse().ok()
}

const TOPIC_PREFIX: &str = "client:notifications:";

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
    // Last: its pattern `/notifications/{id}` would match the literal paths of the modules above.
    feed::http::routes(config);
}
