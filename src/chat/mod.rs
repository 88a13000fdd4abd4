//! Chat: the one room that each client shares with the tenant's operators, and what two operators say to each other.
//!
//! - `seq` numbers the messages of a conversation 1, 2, 3 …; `head` numbers every durable change of it (new, edited,
//!   deleted, read) and is what the socket calls `meta.seq`. Both are taken under the conversation's row lock, so a
//!   later number never commits before an earlier one.
//! - The conversation is locked first, then its messages, then its participants: everywhere, so nothing deadlocks.
//! - `participants.unread_count` is always the number of others' messages after `read_seq` that are not deleted.
//! - REST handlers (`http`) and socket commands (`app::commands`) call the same functions of `service`.

mod changes;
pub mod delivered;
mod events;
pub mod http;
pub mod model;
pub mod payload;
mod place;
mod policy;
pub mod service;
mod store;
mod typing;

use std::sync::Arc;
use std::time::Duration;

pub use changes::MESSAGES;
pub use delivered::Delivered;
pub use events::RESERVED as EVENTS;
use guichet_base::{Actor, Clock, Result};
use guichet_db::Db;
use guichet_realtime::Hub;
pub use place::ConversationPlace;
pub use typing::Typing;

use crate::config::Feature;
use crate::directory::{Directory, FeatureSet};
use crate::notifications::Notifications;

/// What chat needs of the house.
#[derive(Clone)]
pub struct Chat {
    pub db: Db,
    pub directory: Directory,
    pub hub: Arc<Hub>,
    pub notifications: Notifications,
    pub clock: Clock,
    pub delivered: Delivered,
    pub typing: Typing,
    /// How long an author may edit or delete a message (`MESSAGE_EDIT_WINDOW_SECS`).
    pub edit_window: Duration,
}

impl Chat {
    /// Lets people in where chat is on; each use case begins with it. What else is on for them comes back.
    async fn admit(&self, actor: &Actor) -> Result<FeatureSet> {
        policy::may_use_rooms(actor)?;
        let features = self.directory.features(actor.tenant).await?;
        features.require(Feature::Chat)?;
        Ok(features)
    }
}

/// The topic of everything meant for one person.
pub fn person_topic(user: guichet_base::id::UserId) -> String {
    format!("user:{user}")
}

/// Whether `event` is a name that only chat may emit.
pub fn is_reserved_event(event: &str) -> bool {
    events::RESERVED.contains(&event)
}
