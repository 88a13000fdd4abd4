//! Who sees deliveries and has them sent again: those who answer for what the house sends. Row-level security shows
//! and leaves the rows to the service itself alone.

use guichet_base::{Actor, Result};

use crate::directory::policy;
use guichet_base::permission::Permission;

/// Errors: `FORBIDDEN`.
pub fn may_view(actor: &Actor) -> Result<()> {
    policy::may(actor, Permission::AnalyticsView)
}

/// To send again what failed, and samples to oneself. Errors: `FORBIDDEN`.
pub fn may_send(actor: &Actor) -> Result<()> {
    policy::may(actor, Permission::NotificationSendManual)
}
