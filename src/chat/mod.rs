//! Chat: the room that each client shares with the tenant's operators, and direct conversations of two operators.
//!
//! - `seq` numbers the messages of a conversation 1, 2, 3 …; `head` numbers every durable change of it (new, edited,
//!   deleted, read), and the socket sends it as `meta.seq`. Both are taken under the conversation's row lock, so a
//!   later number never commits before an earlier one.
//! - Locks are always taken in one order, so that nothing deadlocks: the conversation, its messages, its
//!   participants.
//! - `participants.unread_count` always equals the number of others' messages after `read_seq` that are not deleted.
//! - REST handlers (`http`) and socket commands (`app::socket_backend`) call the same functions of `service`.

pub mod delivered;
mod events;
pub mod http;
pub mod model;
pub mod payload;
mod place;
mod policy;
mod row_changes;
pub mod service;
mod store;
mod typing;

use std::sync::Arc;
use std::time::Duration;

pub use delivered::DeliveredMarks;
pub use events::EVENTS;
use guichet_base::{Actor, Clock, Result};
use guichet_db::Db;
use guichet_realtime::Hub;
pub use place::ConversationPlace;
pub use row_changes::MESSAGES;
pub use typing::Typing;

use crate::config::Feature;
use crate::directory::{Directory, FeatureSet};
use crate::notifications::Notifications;

/// The dependencies of chat. Cheap to clone.
#[derive(Clone)]
pub struct Chat {
    pub db: Db,
    pub directory: Directory,
    pub hub: Arc<Hub>,
    pub notifications: Notifications,
    pub clock: Clock,
    pub delivered: DeliveredMarks,
    pub typing: Typing,
    /// How long an author may edit or delete a message (`MESSAGE_EDIT_WINDOW_SECS`).
    pub edit_window: Duration,
}

impl Chat {
    /// Admits people of tenants where chat is on, and returns the tenant's features. Every use case starts with it.
    /// Errors: `FORBIDDEN`, `FEATURE_DISABLED`.
    async fn check_access(&self, actor: &Actor) -> Result<FeatureSet> {
        policy::may_use_rooms(actor)?;
        let features = self.directory.features(actor.tenant).await?;
        features.require(Feature::Chat)?;
        Ok(features)
    }
}

/// The topic of everything addressed to one person.
pub fn person_topic(user: guichet_base::id::UserId) -> String {
    format!("user:{user}")
}

/// Whether only chat may emit `event`.
pub fn is_reserved_event(event: &str) -> bool {
    events::EVENTS.contains(&event)
}
