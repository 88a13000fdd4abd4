//! Who may announce, look at and send by hand. Row-level security says the same again.

use guichet_base::{Actor, Error, Result, Role};

use guichet_base::permission::{Permission, may};

/// Producers alone.
pub fn may_announce(actor: &Actor) -> Result<()> {
    may(actor, Permission::EventEmit)
}

/// The producer, and those who answer for the tenant.
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
