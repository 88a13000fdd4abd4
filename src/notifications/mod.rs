//! From a business event to the people it concerns: events, templates, the feed of each person.
//!
//! The design is `docs/notifications.md`. Every change of somebody's notifications happens under the lock of their row
//! in `notification_feeds`; conversations are locked before feeds.

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

/// What this room works with. Cheap to clone.
#[derive(Clone)]
pub struct Notifications {
    pub db: Db,
    pub directory: Directory,
    pub hub: Arc<Hub>,
    pub clock: Clock,
    pub settings: Settings,
    /// Tells the task of large audiences that one waits.
    pub wake: Arc<tokio::sync::Notify>,
    /// Tells the workers of deliveries that some are due.
    pub deliveries_due: Arc<tokio::sync::Notify>,
}

/// What the configuration says.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Pushes to one person within 60 s.
    pub rate_per_min: usize,
    /// After how long a notification expires that says nothing else.
    pub default_ttl: Option<Duration>,
    /// Unread notifications that a socket without joins is given on connect.
    pub replay_limit: i64,
    pub email_enabled: bool,
    pub sms_enabled: bool,
}

/// The numbered topic of a person's notifications.
pub fn topic(user: UserId) -> String {
    format!("{TOPIC}{user}")
}

/// Whose notifications a topic tells of, if it is one of these.
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

/// The routes of this room. They want a `web::Data<Notifications>`.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    explain::routes(config);
    // Before the events' own, which would take its literal path for an id.
    dead_letters::http::routes(config);
    events::http::routes(config);
    manual::http::routes(config);
    // Its pattern `/notifications/{id}` would take the literal paths of the others.
    feed::http::routes(config);
}
