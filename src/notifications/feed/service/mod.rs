//! The use cases of feeds. REST and sockets call the same functions.

mod act;
mod change;
mod clock;
mod read;

pub use act::{ack, archive, delete, read, read_group, read_with, snooze, unarchive};
pub use change::ReadSelection;
pub use clock::{expire, wake_snoozed};
use guichet_base::{Actor, Result};
pub use read::{analytics, get, list, unread};

use crate::config::Feature;
use crate::notifications::Notifications;

/// Checks the permission and that notifications are enabled for the tenant. Every use case starts with it.
async fn authorize(n: &Notifications, actor: &Actor, may: fn(&Actor) -> Result<()>) -> Result<()> {
    may(actor)?;
    n.directory.features(actor.tenant).await?.require(Feature::Notifications)
}
