//! Deletes old rows in batches, as the worker role, which can read only a few columns of them.

use diesel::prelude::*;

use guichet_base::{Result, Timestamp};
use guichet_db::WorkerTx;
use guichet_db::sql::sql;

const DELETE_READ: &str = "
    DELETE FROM notifications n USING (
        SELECT tenant_id, id FROM notifications WHERE updated_at < $1 AND (status <> 'unread' OR NOT visible)
         ORDER BY updated_at LIMIT $2) old
     WHERE n.tenant_id = old.tenant_id AND n.id = old.id";

/// Deletes notifications that are read, archived or were never visible, and are unchanged since `before`.
pub fn delete_read_or_hidden(tx: &mut WorkerTx<'_>, before: Timestamp, limit: i64) -> Result<usize> {
    Ok(sql(DELETE_READ).bind(before).bind(limit).execute(tx.conn())?)
}

const DELETED: &str = "
    DELETE FROM notifications n USING (
        SELECT tenant_id, id FROM notifications WHERE deleted_at < $1
         ORDER BY deleted_at LIMIT $2) old
     WHERE n.tenant_id = old.tenant_id AND n.id = old.id";

/// Removes the rows of notifications that were marked as deleted or expired before `before`.
pub fn purge_deleted(tx: &mut WorkerTx<'_>, before: Timestamp, limit: i64) -> Result<usize> {
    Ok(sql(DELETED).bind(before).bind(limit).execute(tx.conn())?)
}

const EVENTS: &str = "
    DELETE FROM notification_events e USING (
        SELECT tenant_id, id FROM notification_events WHERE created_at < $1 AND status = 'done'
         ORDER BY created_at LIMIT $2) old
     WHERE e.tenant_id = old.tenant_id AND e.id = old.id";

/// Deletes events from before `before` whose notifications are all written.
pub fn delete_events(tx: &mut WorkerTx<'_>, before: Timestamp, limit: i64) -> Result<usize> {
    Ok(sql(EVENTS).bind(before).bind(limit).execute(tx.conn())?)
}

const DELIVERIES: &str = "
    DELETE FROM deliveries d USING (
        SELECT tenant_id, id FROM deliveries WHERE created_at < $1 AND status NOT IN ('queued', 'sending')
         ORDER BY created_at LIMIT $2) old
     WHERE d.tenant_id = old.tenant_id AND d.id = old.id";

/// Deletes deliveries in a final state, created before `before`.
pub fn delete_deliveries(tx: &mut WorkerTx<'_>, before: Timestamp, limit: i64) -> Result<usize> {
    Ok(sql(DELIVERIES).bind(before).bind(limit).execute(tx.conn())?)
}

/// A table of which the worker role can read only `created_at`.
#[derive(Debug, Clone, Copy)]
pub enum RetainedTable {
    Skips,
    Keys,
    Rejected,
    Digests,
}

impl RetainedTable {
    const fn table(self) -> &'static str {
        match self {
            RetainedTable::Skips => "notification_skips",
            RetainedTable::Keys => "notification_event_keys",
            RetainedTable::Rejected => "rejected_events",
            RetainedTable::Digests => "digests",
        }
    }
}

/// Deletes the oldest `limit` rows from before `before`, and all rows with the same `created_at` as the last of them.
pub fn delete_by_age(
    tx: &mut WorkerTx<'_>,
    table: RetainedTable,
    before: Timestamp,
    limit: i64,
) -> Result<usize> {
    let table = table.table();
    let text = format!(
        "DELETE FROM {table} WHERE created_at <= (SELECT max(created_at) FROM (
             SELECT created_at FROM {table} WHERE created_at < $1 ORDER BY created_at LIMIT $2) oldest)"
    );
    Ok(sql(text).bind(before).bind(limit).execute(tx.conn())?)
}
