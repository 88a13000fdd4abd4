//! Permissions to see deliveries and to retry them: owners and managers. Row-level security leaves the rows to the
//! service itself.

use guichet_base::{Actor, Result};

use crate::directory::policy;
use guichet_base::permission::Permission;

/// Errors: `FORBIDDEN`.
pub fn may_view(actor: &Actor) -> Result<()> {
    policy::may(actor, Permission::AnalyticsView)
}

/// To retry deliveries, and to send samples to oneself. Errors: `FORBIDDEN`.
pub fn may_send(actor: &Actor) -> Result<()> {
    policy::may(actor, Permission::NotificationSendManual)
}
