//! Permission to see and change a tenant's templates.

use guichet_base::{Actor, Result};

use crate::directory::policy;
use guichet_base::permission::Permission;

/// Owners and managers. Errors: `FORBIDDEN`.
pub(super) fn may_manage(actor: &Actor) -> Result<()> {
    policy::may(actor, Permission::TemplateManage)
}
