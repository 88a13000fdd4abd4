//! Who may do what to people, teams, clients, projects and tenants. Row-level security says the same again.

use guichet_base::id::UserId;
use guichet_base::permission::Permission;
pub use guichet_base::permission::may;
use guichet_base::{Actor, Error, Result, Role};

/// A manager makes, changes and removes everybody but owners.
pub(super) fn may_manage_user(actor: &Actor, role: Role) -> Result<()> {
    may(actor, Permission::DirectoryUsersManage)?;
    allowed(actor.role != Role::Manager || role != Role::Owner)
}

/// Nobody below an owner changes what they are themselves.
pub(super) fn may_change_standing(actor: &Actor, user: UserId) -> Result<()> {
    allowed(actor.role != Role::Manager || actor.user != user)
}

/// One's own tokens, or those of somebody whom one manages.
pub(super) fn may_revoke(actor: &Actor, user: UserId, role: Role) -> Result<()> {
    if actor.user == user { Ok(()) } else { may_manage_user(actor, role) }
}

/// Overwriting what another person wrote is for those who answer for the record.
pub(super) fn may_force(actor: &Actor) -> Result<()> {
    allowed(actor.role.is_operator() || actor.role == Role::Service)
}

/// A person of the tenant: service tokens have no profile.
pub fn is_person(actor: &Actor) -> Result<()> {
    allowed(!actor.role.is_service())
}

fn allowed(is: bool) -> Result<()> {
    if is { Ok(()) } else { Err(Error::forbidden()) }
}
