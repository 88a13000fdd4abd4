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
