//! Permissions to choose and to override.

use guichet_base::{Actor, Result};

use crate::directory::policy;
use guichet_base::permission::Permission;

/// People choose for themselves; service tokens receive no notifications.
pub(super) fn may_choose(actor: &Actor) -> Result<()> {
    policy::may(actor, Permission::NotificationView)
}

/// Operators override for the clients that they see.
pub(super) fn may_override(actor: &Actor) -> Result<()> {
    policy::may(actor, Permission::NotificationOverride)
}
