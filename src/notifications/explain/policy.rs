//! Who may request explanations.

use guichet_base::id::UserId;
use guichet_base::{Actor, Error, Result, Role};

use crate::directory::policy;
use guichet_base::permission::Permission;

/// Whether the actor may also see events that were addressed to others.
pub(super) fn may_explain_all_events(actor: &Actor) -> bool {
    matches!(actor.role, Role::Owner | Role::Manager)
}

/// People may ask about themselves, owners and managers about everyone.
pub(super) fn may_explain(actor: &Actor, user: UserId) -> Result<()> {
    policy::may(actor, Permission::NotificationView)?;
    if actor.user == user || may_explain_all_events(actor) { Ok(()) } else { Err(Error::forbidden()) }
}
