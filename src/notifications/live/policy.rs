//! Permission to subscribe to a feed. Row-level security enforces the same for its rows.

use guichet_base::id::UserId;
use guichet_base::{Actor, Error, Result};

use guichet_base::permission::{Permission, may};

/// Only the person whose feed it is may subscribe.
pub fn may_hear(actor: &Actor, user: UserId) -> Result<()> {
    may(actor, Permission::NotificationView)?;
    if user == actor.user { Ok(()) } else { Err(Error::forbidden()) }
}
