//! The rows of the activity log.

use std::net::IpAddr;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use guichet_base::id::{TenantId, UserId};
use guichet_base::{Result, Timestamp};
use guichet_db::WorkerTx;
use guichet_db::sql::{Statement, sql};
use serde_json::Value;
use uuid::Uuid;

use super::model::{ActivityFilter, ActivityRecord};
use crate::activity::ActivityEntry;

// Raw SQL, because Diesel's `inet` needs another crate for this one column. Tenant and person come from the settings
// of the transaction, as the policy requires.
const INSERT: &str = "INSERT INTO activity_logs (tenant_id, id, user_id, action, entity_type, entity_id, details, ip_address) \
     VALUES (authz.tenant(), $1, authz.me(), $2, $3, $4, $5, $6::inet)";

pub(super) fn insert(conn: &mut PgConnection, entry: &ActivityEntry, ip: Option<IpAddr>) -> Result<()> {
    sql(INSERT)
        .bind(Uuid::now_v7())
        .bind(entry.action.into_str())
        .bind(entry.entity_type.clone())
        .bind(entry.entity_id.clone())
        .bind(Some(entry.details.clone()))
        .bind(ip.map(|ip| ip.to_string()))
        .execute(conn)?;
    Ok(())
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    user_id: Option<UserId>,
    #[diesel(sql_type = Text)]
    action: String,
    #[diesel(sql_type = Nullable<Text>)]
    entity_type: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    entity_id: Option<String>,
    #[diesel(sql_type = Jsonb)]
    details: Value,
    #[diesel(sql_type = Nullable<Text>)]
    ip_address: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
}

impl From<Row> for ActivityRecord {
    fn from(row: Row) -> Self {
        let Row { id, user_id, action, entity_type, entity_id, details, ip_address, created_at } = row;
        Self { id, user_id, action, entity_type, entity_id, details, ip_address, created_at }
    }
}

/// The newest records that match. Each set of filters has its own SQL text, so that each uses its index.
pub(super) fn list(
    conn: &mut PgConnection,
    tenant: TenantId,
    filter: &ActivityFilter,
) -> Result<Vec<ActivityRecord>> {
    let mut text = String::from(
        "SELECT id, user_id, action, entity_type, entity_id, details, host(ip_address) AS ip_address, created_at \
         FROM activity_logs WHERE tenant_id = $1",
    );
    for (wanted, condition) in [
        (filter.action.is_some(), " AND action = $3"),
        (filter.user.is_some(), " AND user_id = $4"),
        (filter.entity_type.is_some(), " AND entity_type = $5"),
        (filter.entity_id.is_some(), " AND entity_id = $6"),
        (filter.from.is_some(), " AND created_at >= $7"),
        (filter.to.is_some(), " AND created_at < $8"),
        (filter.after.is_some(), " AND (created_at, id) < ($9, $10)"),
    ] {
        text.push_str(if wanted { condition } else { "" });
    }
    text.push_str(" ORDER BY created_at DESC, id DESC LIMIT $2");
    let rows: Vec<Row> = bind_filters(sql(text), tenant, filter).load(conn)?;
    Ok(rows.into_iter().map(ActivityRecord::from).collect())
}

/// Binds only the filters that the text names.
fn bind_filters(statement: Statement, tenant: TenantId, filter: &ActivityFilter) -> Statement {
    statement
        .bind(tenant)
        .bind(filter.limit)
        .bind(filter.action.map(|action| action.into_str().to_owned()))
        .bind(filter.user.map(|user| user.0))
        .bind(filter.entity_type.clone())
        .bind(filter.entity_id.clone())
        .bind(filter.from)
        .bind(filter.to)
        .bind(filter.after.map(|after| after.created_at))
        .bind(filter.after.map(|after| after.id))
}

/// The position of the reader, locked. Empty while another process holds the lock.
const READER_POSITION: &str =
    "SELECT txid::text::bigint AS txid FROM outbox_readers WHERE reader = 'activity' FOR UPDATE SKIP LOCKED";

// The transaction horizon is read first, by its own statement: every row below it is visible to the next statement. A
// position beyond the horizon comes from another cluster whose dump was restored here; the reader then starts over,
// which writes nothing twice.
const BATCH_RANGE: &str = "
    SELECT after, (
            SELECT max(txid) FROM (
                SELECT o.txid::text::bigint AS txid FROM outbox o
                 WHERE o.txid > after::text::xid8 AND o.txid < edge::text::xid8
                 ORDER BY o.txid LIMIT $2) stretch) AS up_to
      FROM (SELECT edge, CASE WHEN $1 < edge THEN $1 ELSE 0 END AS after
              FROM (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS edge) now) place";

// The row takes the id of the event, so that a row that was already derived is skipped.
const DERIVE: &str = "
    WITH derived AS (
        INSERT INTO activity_logs (tenant_id, id, user_id, action, entity_type, entity_id, details, ip_address, created_at)
        SELECT o.tenant_id, o.id, (l.log->>'user_id')::uuid, l.log->>'action', l.log->>'entity_type', l.log->>'entity_id',
               coalesce((l.log->'details')::jsonb, '{}'), (l.log->>'ip')::inet, date_trunc('milliseconds', o.created_at)
          FROM outbox o, LATERAL (SELECT o.fanout->'log' AS log) l
         WHERE o.txid > $1::text::xid8 AND o.txid <= $2::text::xid8 AND json_typeof(l.log) = 'object'
        ON CONFLICT DO NOTHING)
    UPDATE outbox_readers SET txid = $2::text::xid8 WHERE reader = 'activity'";

#[derive(QueryableByName)]
struct ReaderPosition {
    #[diesel(sql_type = BigInt)]
    txid: i64,
}

#[derive(QueryableByName)]
struct BatchRange {
    #[diesel(sql_type = BigInt)]
    after: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    up_to: Option<i64>,
}

/// Writes the log rows of about `events` further events. Returns whether there may be more.
pub(super) fn derive_batch(tx: &mut WorkerTx<'_>, events: i64) -> Result<bool> {
    let Some(ReaderPosition { txid }) = sql(READER_POSITION).get_result(tx.conn()).optional()? else {
        return Ok(false);
    };
    let BatchRange { after, up_to } = sql(BATCH_RANGE).bind(txid).bind(events).get_result(tx.conn())?;
    let Some(up_to) = up_to else { return Ok(false) };
    sql(DERIVE).bind(after.to_string()).bind(up_to.to_string()).execute(tx.conn())?;
    Ok(true)
}

// Starts at the oldest event whose row is still to be written.
const MAINTAIN_PARTITIONS: &str = "SELECT authz.keep_activity_logs(least(now() - interval '1 month', (\
        SELECT min(o.created_at) FROM outbox o WHERE o.txid > (SELECT min(txid) FROM outbox_readers))), $1, $2)";

/// Creates the partitions of the coming months, and drops those before `keep_days`.
pub(super) fn maintain_partitions(tx: &mut WorkerTx<'_>, ahead_months: i32, keep_days: i32) -> Result<()> {
    sql(MAINTAIN_PARTITIONS).bind(ahead_months).bind(keep_days).execute(tx.conn())?;
    Ok(())
}
