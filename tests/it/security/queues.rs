//! Tables that no request reaches: the queues and places of the worker's own jobs.

use super::rule::Rule::Anyone;
use super::spec::{Access, Columns, NONE, TABLE, Table};

pub const OUTBOX_READERS: Table = Table {
    name: "outbox_readers",
    key: &["reader"],
    blind: "txid = '1'",
    worker: Access {
        select: Columns::All,
        update: Columns::Only(&["txid"]),
        tenant: None,
        may_select: Anyone,
        may_update: Anyone,
        ..NONE
    },
    ..TABLE
};

/// When each job runs next, and who runs it now.
pub const SCHEDULED_JOBS: Table = Table {
    name: "scheduled_jobs",
    key: &["name"],
    blind: "said = 'x'",
    worker: Access {
        select: Columns::All,
        insert: Columns::All,
        update: Columns::Only(&[
            "due_at",
            "lease_until",
            "lease_token",
            "started_at",
            "finished_at",
            "outcome",
            "said",
        ]),
        tenant: None,
        may_select: Anyone,
        may_insert: Anyone,
        may_update: Anyone,
        ..NONE
    },
    ..TABLE
};
