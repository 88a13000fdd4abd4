//! Who may hear a feed. Row-level security says the same of its rows.

use guichet_base::id::UserId;
use guichet_base::{Actor, Error, Result};

use guichet_base::permission::{Permission, may};

/// The person themselves, and nobody else.
pub fn may_hear(actor: &Actor, user: UserId) -> Result<()> {
    may(actor, Permission::NotificationView)?;
    if user == actor.user { Ok(()) } else { Err(Error::forbidden()) }
}
