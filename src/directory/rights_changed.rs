//! The callback for rights that may have been lost, called when the change is committed.
//!
//! It is only a shortcut within the process: other people concerned, and other processes, are reached through the
//! outbox.

use std::sync::Arc;

use guichet_base::id::{TenantId, UserId};

type Listener = dyn Fn(TenantId, &[UserId]) + Send + Sync;

/// Called with the people known where the change is made. The list may be empty while others are concerned.
#[derive(Clone)]
pub struct RightsChanged(Arc<Listener>);

impl RightsChanged {
    pub fn new(tell: impl Fn(TenantId, &[UserId]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    pub fn notify(&self, tenant: TenantId, people: &[UserId]) {
        (self.0)(tenant, people);
    }
}
