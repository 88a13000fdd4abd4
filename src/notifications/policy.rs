//! Permissions to announce events, to read their progress, and to send notices. Row-level security enforces them too.

use guichet_base::{Actor, Error, Result, Role};

use guichet_base::permission::{Permission, may};

/// Only producers announce events.
pub fn may_announce(actor: &Actor) -> Result<()> {
    may(actor, Permission::EventEmit)
}

/// Producers, owners and managers may read events and their progress.
pub fn may_view_events(actor: &Actor) -> Result<()> {
    match actor.role {
        Role::Owner | Role::Manager => Ok(()),
        Role::Service => may_announce(actor),
        Role::Employee | Role::Client | Role::Platform => Err(Error::forbidden()),
    }
}

pub fn may_send_notice(actor: &Actor) -> Result<()> {
    may(actor, Permission::NotificationSendManual)
}
