//! Who is there now, as this room needs it: one point per person, asked of whoever knows.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::id::{TenantId, UserId};

/// Ordered: whoever is more there is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Offline,
    Idle,
    Online,
}

/// Answers whether a person is there.
#[derive(Clone)]
pub struct PresenceOf(Arc<dyn Fn(TenantId, UserId) -> Status + Send + Sync>);

impl PresenceOf {
    pub fn new(ask: impl Fn(TenantId, UserId) -> Status + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }

    pub fn of(&self, tenant: TenantId, user: UserId) -> Status {
        (self.0)(tenant, user)
    }

    /// That of a client: of whichever of its members is most there.
    pub fn of_any(&self, tenant: TenantId, members: impl IntoIterator<Item = UserId>) -> Status {
        members.into_iter().map(|user| self.of(tenant, user)).max().unwrap_or(Status::Offline)
    }
}
