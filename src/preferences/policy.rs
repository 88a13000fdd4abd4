//! Who may say what is told to whom.

use guichet_base::{Actor, Result};

use crate::directory::policy;
use guichet_base::permission::Permission;

/// One's own choices: of people, who are told things. Service tokens are told nothing.
pub(super) fn may_choose(actor: &Actor) -> Result<()> {
    policy::may(actor, Permission::NotificationView)
}

/// What is forced for a client that one sees: the desk's to say.
pub(super) fn may_override(actor: &Actor) -> Result<()> {
    policy::may(actor, Permission::NotificationOverride)
}
