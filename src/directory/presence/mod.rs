//! Who is there now, as people who may know are told: `/presence`, clients, conversations.
//!
//! Who is connected is the realtime room's to know; this room asks it through [`PresenceSource`], one point per person. Whom
//! a caller may ask about is the rows' to say: the people that row-level security shows them, and nobody else.

mod http;
mod model;
mod reach;
mod service;
mod store;

use std::sync::Arc;

pub use http::{PresenceQuery, list_answer as list, routes};
pub use model::PresenceView;
pub use reach::{PersonRelations, hears, reach, saw};

use guichet_base::id::{TenantId, UserId};
use guichet_base::{Status, Timestamp};

/// Whoever knows who is there.
pub trait PresenceSource: Send + Sync {
    fn status(&self, tenant: TenantId, user: UserId) -> Status;

    /// The last activity of somebody who is there, or was within the grace. Newer than the row's.
    fn seen_at(&self, tenant: TenantId, user: UserId) -> Option<Timestamp>;

    /// People of the tenant who are online, `limit` of them at most.
    fn online(&self, tenant: TenantId, limit: usize) -> Vec<UserId>;

    /// The person did something.
    fn touch(&self, tenant: TenantId, user: UserId);
}

/// Answers whether a person is there. Cheap to clone.
#[derive(Clone)]
pub struct PresenceReader(Arc<dyn PresenceSource>);

impl PresenceReader {
    pub fn new(presence: impl PresenceSource + 'static) -> Self {
        Self(Arc::new(presence))
    }

    pub fn of(&self, tenant: TenantId, user: UserId) -> Status {
        self.0.status(tenant, user)
    }

    /// That of a client: of whichever of its members is most there.
    pub fn of_any(&self, tenant: TenantId, members: impl IntoIterator<Item = UserId>) -> Status {
        members.into_iter().map(|user| self.of(tenant, user)).max().unwrap_or(Status::Offline)
    }

    /// Status, and since when the person is not active any more: null while they are online. `written` is what their
    /// row says.
    pub fn seen(
        &self,
        tenant: TenantId,
        user: UserId,
        written: Option<Timestamp>,
    ) -> (Status, Option<Timestamp>) {
        match self.of(tenant, user) {
            Status::Online => (Status::Online, None),
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
