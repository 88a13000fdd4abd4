//! Who may look at their feed, change it, and count everybody's. Row-level security says whose rows there are.

use guichet_base::{Actor, Result};

use guichet_base::permission::Permission;
use guichet_base::permission::may;

/// People, of their own: service tokens have no feed.
pub fn may_view(actor: &Actor) -> Result<()> {
    may(actor, Permission::NotificationView)
}

/// To read, to archive, to snooze.
pub fn may_mark(actor: &Actor) -> Result<()> {
    may(actor, Permission::NotificationMarkRead)
}

pub fn may_delete(actor: &Actor) -> Result<()> {
    may(actor, Permission::NotificationDelete)
}

/// How notifications of everybody fared.
pub fn may_analyse(actor: &Actor) -> Result<()> {
    may(actor, Permission::AnalyticsView)
}
