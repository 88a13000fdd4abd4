//! Permissions on people, teams, clients, projects and tenants. Row-level security enforces the same rules again.

use guichet_base::id::UserId;
use guichet_base::permission::Permission;
pub use guichet_base::permission::may;
use guichet_base::{Actor, Error, Result, Role};

/// A manager may create, change and delete everyone except owners.
pub(super) fn may_manage_user(actor: &Actor, role: Role) -> Result<()> {
    may(actor, Permission::DirectoryUsersManage)?;
    allowed(actor.role != Role::Manager || role != Role::Owner)
}

/// A manager may not change their own role.
pub(super) fn may_change_standing(actor: &Actor, user: UserId) -> Result<()> {
    allowed(actor.role != Role::Manager || actor.user != user)
}

/// People may revoke their own tokens, and those of people they manage.
pub(super) fn may_revoke(actor: &Actor, user: UserId, role: Role) -> Result<()> {
    if actor.user == user { Ok(()) } else { may_manage_user(actor, role) }
}

/// Overwriting another person's change is reserved to operators and services.
pub(super) fn may_force(actor: &Actor) -> Result<()> {
    allowed(actor.role.is_operator() || actor.role == Role::Service)
}

/// Errors: `FORBIDDEN` for service tokens, which have no profile.
pub fn require_person(actor: &Actor) -> Result<()> {
    allowed(!actor.role.is_service())
}

fn allowed(is: bool) -> Result<()> {
    if is { Ok(()) } else { Err(Error::forbidden()) }
}
