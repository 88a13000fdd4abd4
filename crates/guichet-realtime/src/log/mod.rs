//! The replay log, as sessions and the relay read it. PostgreSQL's outbox implements it; tests have another.

pub(crate) mod outbox;
pub(crate) mod relay;
pub(crate) mod replay;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use guichet_base::id::TenantId;
use guichet_base::{Actor, Result, Timestamp};
use uuid::Uuid;

use crate::hub::event::Event;

/// The newest events since a time, as a range of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewestSegment {
    /// The number before the first one.
    pub after: i64,
    /// Whether the limit cut older ones.
    pub truncated: bool,
}

/// The position of the tail: it continues after this row, in the order of transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailCursor {
    pub txid: i64,
    pub tenant: Uuid,
    pub topic: String,
    pub seq: i64,
}

impl TailCursor {
    /// Before every row of transaction `txid` and later ones.
    pub fn before_transaction(txid: i64) -> Self {
        Self { txid, tenant: Uuid::nil(), topic: String::new(), seq: 0 }
    }

    /// Whether this cursor stands before a whole transaction, not after a row: the read that returned it left nothing
    /// unread.
    pub fn is_caught_up(&self) -> bool {
        self.topic.is_empty()
    }
}

/// Whether any subscriber of this process still needs an event, whose payload is not read yet.
pub type PayloadInterest = Arc<dyn Fn(&Event) -> bool + Send + Sync>;

pub trait ReplayLog: Send + Sync + 'static {
    /// The newest `limit` events created at or after `since`; `None` if there are none.
    fn newest_segment<'a>(
        &'a self,
        actor: &'a Actor,
        topic: &'a str,
        since: Timestamp,
        limit: i64,
    ) -> BoxFuture<'a, Result<Option<NewestSegment>>>;

    /// The events that a join missed: `after < seq <= up_to`, in order, a bounded number of rows and bytes. The
    /// caller must be authorized for the topic.
    fn read_page<'a>(
        &'a self,
        tenant: TenantId,
        topic: &'a str,
        after: i64,
        up_to: i64,
    ) -> BoxFuture<'a, Result<Vec<Event>>>;

    /// The events of a gap, for all subscribers: `after < seq <= up_to`, in order, a bounded number.
    fn read_gap<'a>(
        &'a self,
        tenant: TenantId,
        topic: &'a str,
        after: i64,
        up_to: i64,
    ) -> BoxFuture<'a, Result<Vec<Event>>>;

    /// The start of the tail: nothing that commits from now on lies before it.
    fn tail_start(&self) -> BoxFuture<'_, Result<TailCursor>>;

    /// What committed since the cursor, a bounded number, with the next cursor. Never skips rows of open
    /// transactions. Events for their own topic only are left out, with their payloads unread, unless `wants` selects
    /// them.
    fn read_tail(
        &self,
        from: TailCursor,
        wants: PayloadInterest,
    ) -> BoxFuture<'_, Result<(Vec<Event>, TailCursor)>>;

    /// Creates the partitions of the coming days, and drops those older than `keep_days`.
    fn maintain_partitions(&self, keep_days: i32) -> BoxFuture<'_, Result<()>>;
}
