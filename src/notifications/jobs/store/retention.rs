//! Deletes old rows in batches, as the worker role, which sees little more of them than their age.

use diesel::prelude::*;

use guichet_base::{Result, Timestamp};
use guichet_db::WorkerTx;
use guichet_db::sql::sql;

const DEALT_WITH: &str = "
    DELETE FROM notifications n USING (
        SELECT tenant_id, id FROM notifications WHERE updated_at < $1 AND (status <> 'unread' OR NOT visible)
         ORDER BY updated_at LIMIT $2) old
     WHERE n.tenant_id = old.tenant_id AND n.id = old.id";

/// Notifications that were read, archived or never visible, and are unchanged since `before`.
pub fn dealt_with(tx: &mut WorkerTx<'_>, before: Timestamp, limit: i64) -> Result<usize> {
    Ok(sql(DEALT_WITH).bind(before).bind(limit).execute(tx.conn())?)
}

const DELETED: &str = "
    DELETE FROM notifications n USING (
        SELECT tenant_id, id FROM notifications WHERE deleted_at < $1
         ORDER BY deleted_at LIMIT $2) old
     WHERE n.tenant_id = old.tenant_id AND n.id = old.id";

/// Notifications that were deleted by their owner, or expired, before `before`.
pub fn deleted(tx: &mut WorkerTx<'_>, before: Timestamp, limit: i64) -> Result<usize> {
    Ok(sql(DELETED).bind(before).bind(limit).execute(tx.conn())?)
}

const EVENTS: &str = "
    DELETE FROM notification_events e USING (
        SELECT tenant_id, id FROM notification_events WHERE created_at < $1 AND status = 'done'
         ORDER BY created_at LIMIT $2) old
     WHERE e.tenant_id = old.tenant_id AND e.id = old.id";

/// Events whose notifications are all written.
pub fn events(tx: &mut WorkerTx<'_>, before: Timestamp, limit: i64) -> Result<usize> {
    Ok(sql(EVENTS).bind(before).bind(limit).execute(tx.conn())?)
}

const DELIVERIES: &str = "
    DELETE FROM deliveries d USING (
        SELECT tenant_id, id FROM deliveries WHERE created_at < $1 AND status NOT IN ('queued', 'sending')
         ORDER BY created_at LIMIT $2) old
     WHERE d.tenant_id = old.tenant_id AND d.id = old.id";

/// Deliveries in a final state.
pub fn deliveries(tx: &mut WorkerTx<'_>, before: Timestamp, limit: i64) -> Result<usize> {
    Ok(sql(DELIVERIES).bind(before).bind(limit).execute(tx.conn())?)
}

/// A table of which the worker role sees only when rows were written.
#[derive(Debug, Clone, Copy)]
pub enum Aged {
    Skips,
    Keys,
    Rejected,
    Digests,
}

impl Aged {
    const fn table(self) -> &'static str {
        match self {
            Aged::Skips => "notification_skips",
            Aged::Keys => "notification_event_keys",
            Aged::Rejected => "rejected_events",
            Aged::Digests => "digests",
        }
    }
}

/// Deletes the oldest rows from before `before`: `limit` of them, and those of the same instant as the last.
pub fn aged(tx: &mut WorkerTx<'_>, of: Aged, before: Timestamp, limit: i64) -> Result<usize> {
    let table = of.table();
    let text = format!(
        "DELETE FROM {table} WHERE created_at <= (SELECT max(created_at) FROM (
             SELECT created_at FROM {table} WHERE created_at < $1 ORDER BY created_at LIMIT $2) oldest)"
    );
    Ok(sql(text).bind(before).bind(limit).execute(tx.conn())?)
}
