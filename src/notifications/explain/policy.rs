//! Who may ask why.

use guichet_base::id::UserId;
use guichet_base::{Actor, Error, Result, Role};

use crate::directory::policy;
use guichet_base::permission::Permission;

/// Whether the actor answers for the whole tenant: then they are also told of events that named somebody else.
pub(super) fn sees_everybody(actor: &Actor) -> bool {
    matches!(actor.role, Role::Owner | Role::Manager)
}

/// About oneself; about others, owners and managers.
pub(super) fn may_explain(actor: &Actor, user: UserId) -> Result<()> {
    policy::may(actor, Permission::NotificationView)?;
    if actor.user == user || sees_everybody(actor) { Ok(()) } else { Err(Error::forbidden()) }
}
