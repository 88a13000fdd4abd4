//! Connect tokens: visible to their person until redeemed.

use super::{Access, Anyone, Columns, Mine, NONE, TABLE, Table};

/// Of every tenant, to read and delete.
pub const QUEUE: Access = Access {
    select: Columns::All,
    delete: true,
    tenant: None,
    may_select: Anyone,
    may_delete: Anyone,
    ..NONE
};

pub const CONNECT_TICKETS: Table = Table {
    name: "connect_tickets",
    key: &["tenant_id", "digest"],
    app: Access {
        select: Columns::All,
        insert: Columns::All,
        delete: true,
        may_select: Mine("user_id"),
        may_insert: Mine("user_id"),
        may_delete: Mine("user_id"),
        ..NONE
    },
    worker: QUEUE,
    // To redeem one before authentication.
    authz: QUEUE,
    ..TABLE
};
