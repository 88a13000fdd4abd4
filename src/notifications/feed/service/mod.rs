//! The use cases of feeds. REST and sockets call the same functions.

mod act;
mod change;
mod clock;
mod read;

pub use act::{ack, archive, delete, read, read_group, read_with, snooze, unarchive};
pub use change::Which;
pub use clock::{expire, wake_snoozed};
use guichet_base::{Actor, Result};
pub use read::{analytics, get, list, unread};

use crate::config::Feature;
use crate::notifications::Notifications;

/// Admits people of tenants where notifications are on. Every use case starts with it.
async fn admit(n: &Notifications, actor: &Actor, may: fn(&Actor) -> Result<()>) -> Result<()> {
    may(actor)?;
    n.directory.features(actor.tenant).await?.require(Feature::Notifications)
}
