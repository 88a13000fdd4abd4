//! Changed rights: the sessions of the people concerned authorize their channels again.
//!
//! Outbox rows `rights:{user}` reach every process. The process that made the change notifies its own sessions at
//! once, and wakes the tail for people that it does not know.

use guichet_base::id::{TenantId, UserId};

use super::Hub;
use crate::hub::connection::SessionOrder;

/// Topics that no client can join: their events are for the hub only.
const PREFIX: &str = "rights:";

/// The person whose rights an outbox event is about.
pub fn rights_topic_user(topic: &str) -> Option<UserId> {
    topic.strip_prefix(PREFIX)?.parse().ok()
}

impl Hub {
    /// The person may have lost a right by a committed change: each of their connections authorizes its channels
    /// again. Caches must have been invalidated before.
    pub fn reauthorize_person(&self, tenant: TenantId, user: UserId) {
        self.people.order((tenant, user), SessionOrder::Reauthorize);
        // The people who may see them may have changed as well.
        self.refresh_presence_audience(tenant, user);
    }

    /// The same for `people`, and for others that the outbox names: the tail reads at once.
    pub fn reauthorize_people(&self, tenant: TenantId, people: &[UserId]) {
        for user in people {
            self.reauthorize_person(tenant, *user);
        }
        self.rights_changed.notify_one();
    }

    /// All sessions authorize again: earlier changes may have been missed.
    pub(crate) fn reauthorize_all(&self) {
        self.people.order_all(SessionOrder::Reauthorize);
    }

    /// Resolves when rights changed since the last call.
    pub(crate) async fn wait_rights_changed(&self) {
        self.rights_changed.notified().await;
    }
}
