//! Presence over REST: `/presence`, clients, conversations.
//!
//! The realtime hub knows who is connected; this module reads it through [`PresenceSource`], one person at a time.
//! Row-level security decides whose presence a caller may read.

mod http;
mod model;
mod relations;
mod service;
mod store;

use std::sync::Arc;

pub use http::{PresenceQuery, list_reply as list, routes};
pub use model::PresenceView;
pub use relations::{PersonRelations, load_relations, may_subscribe_to_presence, record_last_seen};

use guichet_base::id::{TenantId, UserId};
use guichet_base::{PresenceStatus, Timestamp};

/// The source of presence; the realtime hub implements it.
pub trait PresenceSource: Send + Sync {
    fn status(&self, tenant: TenantId, user: UserId) -> PresenceStatus;

    /// The last activity of a person who is present, or was within the grace period. Newer than the row's.
    fn seen_at(&self, tenant: TenantId, user: UserId) -> Option<Timestamp>;

    /// Online people of the tenant, at most `limit`.
    fn online(&self, tenant: TenantId, limit: usize) -> Vec<UserId>;

    /// Records an activity of the person.
    fn touch(&self, tenant: TenantId, user: UserId);
}

/// Reads the presence of people. Cheap to clone.
#[derive(Clone)]
pub struct PresenceReader(Arc<dyn PresenceSource>);

impl PresenceReader {
    pub fn new(presence: impl PresenceSource + 'static) -> Self {
        Self(Arc::new(presence))
    }

    pub fn status(&self, tenant: TenantId, user: UserId) -> PresenceStatus {
        self.0.status(tenant, user)
    }

    /// The status of a client: that of its most active member.
    pub fn highest_status(
        &self,
        tenant: TenantId,
        members: impl IntoIterator<Item = UserId>,
    ) -> PresenceStatus {
        members.into_iter().map(|user| self.status(tenant, user)).max().unwrap_or(PresenceStatus::Offline)
    }

    /// The status, and the last activity, which is null while the person is online. `written` is the row's value.
    pub fn status_and_last_seen(
        &self,
        tenant: TenantId,
        user: UserId,
        written: Option<Timestamp>,
    ) -> (PresenceStatus, Option<Timestamp>) {
        match self.status(tenant, user) {
            PresenceStatus::Online => (PresenceStatus::Online, None),
            status => (status, self.0.seen_at(tenant, user).max(written)),
        }
    }

    pub fn online(&self, tenant: TenantId, limit: usize) -> Vec<UserId> {
        self.0.online(tenant, limit)
    }

    pub fn touch(&self, tenant: TenantId, user: UserId) {
        self.0.touch(tenant, user);
    }
}
