//! Where it is said that people may have lost a right, at the moment the change is committed.
//!
//! Whoever else it concerns, and every other process, hears of it by the outbox; this is only the shorter way.

use std::sync::Arc;

use guichet_base::id::{TenantId, UserId};

type Tell = dyn Fn(TenantId, &[UserId]) + Send + Sync;

/// Told of the people known at the place of the change, perhaps none: others may be concerned too.
#[derive(Clone)]
pub struct RightsChanged(Arc<Tell>);

impl RightsChanged {
    pub fn new(tell: impl Fn(TenantId, &[UserId]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    pub fn tell(&self, tenant: TenantId, people: &[UserId]) {
        (self.0)(tenant, people);
    }
}
