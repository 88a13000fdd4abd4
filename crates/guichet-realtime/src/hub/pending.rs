//! Topics that wait for a task of the relay.

use std::collections::HashSet;

use guichet_base::id::TenantId;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::TopicKey;

/// Topics that a task of the relay has to process, each once.
#[derive(Default)]
pub(crate) struct PendingTopics {
    topics: Mutex<HashSet<TopicKey>>,
    marked: Notify,
}

impl PendingTopics {
    pub(super) fn mark(&self, tenant: TenantId, topic: &str) {
        self.topics.lock().insert((tenant, topic.into()));
        self.marked.notify_one();
    }

    /// Resolves when a topic was added since the last call.
    pub(crate) async fn wait(&self) {
        self.marked.notified().await;
    }

    pub(crate) fn take(&self) -> HashSet<TopicKey> {
        std::mem::take(&mut *self.topics.lock())
    }
}
