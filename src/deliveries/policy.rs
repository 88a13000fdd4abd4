//! Permissions to see deliveries and to retry them: owners and managers. Row-level security admits only the
//! service itself to the rows.

use guichet_base::{Actor, Result};

use crate::directory::policy;
use guichet_base::permission::Permission;

/// Errors: `FORBIDDEN`.
pub fn may_view(actor: &Actor) -> Result<()> {
    policy::may(actor, Permission::AnalyticsView)
}

/// Whether the actor may retry deliveries and send samples to themselves. Errors: `FORBIDDEN`.
pub fn may_send(actor: &Actor) -> Result<()> {
    policy::may(actor, Permission::NotificationSendManual)
}
