//! Permissions to announce events, to follow them, and to send manually. Row-level security enforces the same rules.

use guichet_base::{Actor, Error, Result, Role};

use guichet_base::permission::{Permission, may};

/// Only producers announce events.
pub fn may_announce(actor: &Actor) -> Result<()> {
    may(actor, Permission::EventEmit)
}

/// The producer, owners and managers.
pub fn may_follow_events(actor: &Actor) -> Result<()> {
    match actor.role {
        Role::Owner | Role::Manager => Ok(()),
        Role::Service => may_announce(actor),
        Role::Employee | Role::Client | Role::Platform => Err(Error::forbidden()),
    }
}

pub fn may_send_by_hand(actor: &Actor) -> Result<()> {
    may(actor, Permission::NotificationSendManual)
}
