//! Rights that changed: the sessions of whoever may have lost one ask again.
//!
//! The rows `rights:{user}` of the outbox tell every process; who made the change tells this one at once, and wakes
//! the tail for those whom it does not know.

use guichet_base::id::{TenantId, UserId};

use super::Hub;
use crate::hub::connection::SessionOrder;

/// Topics that nobody can join: what is written to them is for the hub alone.
const PREFIX: &str = "rights:";

/// Whose rights an event of the outbox is about.
pub fn concerns(topic: &str) -> Option<UserId> {
    topic.strip_prefix(PREFIX)?.parse().ok()
}

impl Hub {
    /// The person may have lost a right, by a change that is committed: each of their connections asks again for each
    /// of its channels. Whatever is remembered of them must have been forgotten before.
    pub fn rights_changed(&self, tenant: TenantId, user: UserId) {
        self.people.order((tenant, user), SessionOrder::Reauthorize);
        // Who may see them may have changed as well.
        self.circle_again(tenant, user);
    }

    /// The same for `people`, and for whoever else the outbox names: the tail looks at once.
    pub fn rights_moved(&self, tenant: TenantId, people: &[UserId]) {
        for user in people {
            self.rights_changed(tenant, *user);
        }
        self.moved.notify_one();
    }

    /// Everybody asks again: what changed until now may have gone unheard.
    pub(crate) fn rights_unknown(&self) {
        self.people.order_all(SessionOrder::Reauthorize);
    }

    /// Resolves when rights moved since it last resolved.
    pub(crate) async fn rights_moving(&self) {
        self.moved.notified().await;
    }
}
