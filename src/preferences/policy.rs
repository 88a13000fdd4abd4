//! Permissions to change one's own preferences and to override those of members.

use guichet_base::{Actor, Result};

use crate::directory::policy;
use guichet_base::permission::Permission;

/// Whether the actor has preferences: people do, service tokens do not. Errors: `FORBIDDEN`.
pub(super) fn may_set_own_preferences(actor: &Actor) -> Result<()> {
    policy::may(actor, Permission::NotificationView)
}

/// Whether the actor may set overrides for clients that they see: operators may. Errors: `FORBIDDEN`.
pub(super) fn may_override(actor: &Actor) -> Result<()> {
    policy::may(actor, Permission::NotificationOverride)
}
