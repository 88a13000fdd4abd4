//! Permissions to view a feed, to change it, and to see statistics. Row-level security limits the rows to the owner's.

use guichet_base::{Actor, Result};

use guichet_base::permission::Permission;
use guichet_base::permission::may;

/// People view their own feed; service tokens have none.
pub fn may_view(actor: &Actor) -> Result<()> {
    may(actor, Permission::NotificationView)
}

/// May mark notifications as read, archive and snooze them.
pub fn may_mark(actor: &Actor) -> Result<()> {
    may(actor, Permission::NotificationMarkRead)
}

pub fn may_delete(actor: &Actor) -> Result<()> {
    may(actor, Permission::NotificationDelete)
}

/// May see the statistics of all notifications of the tenant.
pub fn may_analyse(actor: &Actor) -> Result<()> {
    may(actor, Permission::AnalyticsView)
}
