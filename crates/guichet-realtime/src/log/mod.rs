//! The replay log as sessions and the relay read it. PostgreSQL's outbox is one; tests have another.

pub(crate) mod outbox;
pub(crate) mod relay;
pub(crate) mod replay;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use guichet_base::id::TenantId;
use guichet_base::{Actor, Result, Timestamp};
use uuid::Uuid;

use crate::hub::event::Event;

/// The newest events since a time, as a stretch of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewestSegment {
    /// The number before the first one.
    pub after: i64,
    /// Whether the limit cut older ones.
    pub truncated: bool,
}

/// How far the tail has read: it goes on behind this row, in the order of transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailCursor {
    pub txid: i64,
    pub tenant: Uuid,
    pub topic: String,
    pub seq: i64,
}

impl TailCursor {
    /// Before every row of transaction `txid` and later ones.
    pub fn at(txid: i64) -> Self {
        Self { txid, tenant: Uuid::nil(), topic: String::new(), seq: 0 }
    }

    /// Whether nothing was left to read when it was made.
    pub fn is_at_edge(&self) -> bool {
        self.topic.is_empty()
    }
}

/// Whether anybody here has yet to hear of an event, whose payload is not read yet.
pub type PayloadInterest = Arc<dyn Fn(&Event) -> bool + Send + Sync>;

pub trait Log: Send + Sync + 'static {
    /// The newest `limit` events made at or after `since`; `None` when there are none.
    fn newest<'a>(
        &'a self,
        actor: &'a Actor,
        topic: &'a str,
        since: Timestamp,
        limit: i64,
    ) -> BoxFuture<'a, Result<Option<NewestSegment>>>;

    /// What a join missed, for whoever may hear the topic: `after < seq <= up_to`, in order, a bounded number of
    /// rows and bytes. Nobody's right is asked here.
    fn page<'a>(
        &'a self,
        tenant: TenantId,
        topic: &'a str,
        after: i64,
        up_to: i64,
    ) -> BoxFuture<'a, Result<Vec<Event>>>;

    /// Events of a hole, for everyone: `after < seq <= up_to`, in order, a bounded number of them.
    fn fill<'a>(
        &'a self,
        tenant: TenantId,
        topic: &'a str,
        after: i64,
        up_to: i64,
    ) -> BoxFuture<'a, Result<Vec<Event>>>;

    /// Where the tail begins: nothing that commits from now on lies before it.
    fn edge(&self) -> BoxFuture<'_, Result<TailCursor>>;

    /// What committed since the cursor, a bounded number, and where to go on. Never skips what is still committing.
    /// Events that are told on their own topic alone are left out, payload unread, unless `wants` says otherwise.
    fn tail(
        &self,
        from: TailCursor,
        wants: PayloadInterest,
    ) -> BoxFuture<'_, Result<(Vec<Event>, TailCursor)>>;

    /// Makes the partitions of the days ahead, and drops those of before `keep_days`.
    fn keep(&self, keep_days: i32) -> BoxFuture<'_, Result<()>>;
}
