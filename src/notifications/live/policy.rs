//! Permission to subscribe to a feed. Row-level security enforces the same for its rows.

use guichet_base::id::UserId;
use guichet_base::{Actor, Error, Result};

use guichet_base::permission::{Permission, may};

/// Only the owner of a feed may subscribe to it.
pub fn may_subscribe(actor: &Actor, user: UserId) -> Result<()> {
    may(actor, Permission::NotificationView)?;
    if user == actor.user { Ok(()) } else { Err(Error::forbidden()) }
}
