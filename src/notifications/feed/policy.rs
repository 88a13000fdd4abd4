//! Permissions to view a feed, to change it, and to see statistics. Row-level security decides whose rows exist.

use guichet_base::{Actor, Result};

use guichet_base::permission::Permission;
use guichet_base::permission::may;

/// People view their own feed; service tokens have none.
pub fn may_view(actor: &Actor) -> Result<()> {
    may(actor, Permission::NotificationView)
}

/// To read, archive and snooze.
pub fn may_mark(actor: &Actor) -> Result<()> {
    may(actor, Permission::NotificationMarkRead)
}

pub fn may_delete(actor: &Actor) -> Result<()> {
    may(actor, Permission::NotificationDelete)
}

/// To see the statistics of all notifications.
pub fn may_analyse(actor: &Actor) -> Result<()> {
    may(actor, Permission::AnalyticsView)
}
