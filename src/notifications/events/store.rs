//! The rows of events: idempotency names, progress, and the tenant's changes of the template.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bytea, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid};
use guichet_base::id::{ClientId, EventId, TenantId, UserId};
use guichet_base::{Error, Result, Timestamp};
use guichet_db::sql::{Bind, sql};
use guichet_db::{SystemTx, Tx, WorkerTx};
use serde_json::Value;
use uuid::Uuid;

use super::model::{EventAudience, IdempotencyName, Plan};
use crate::notifications::model::{AnnouncedEvent, EventProgress};

/// The tenant's settings and texts for an event.
#[derive(QueryableByName)]
pub struct TenantTexts {
    #[diesel(sql_type = Jsonb)]
    pub settings: Value,
    /// The tenant's changes of the template.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub changes: Option<Value>,
}

const TENANT_TEXTS: &str = "SELECT t.settings, n.fields AS changes FROM tenants t \
    LEFT JOIN notification_templates n ON n.tenant_id = t.id AND n.code = $2 WHERE t.id = $1";

pub fn load_tenant_texts(sys: &mut SystemTx<'_>, tenant: TenantId, code: &str) -> Result<TenantTexts> {
    Ok(sql(TENANT_TEXTS).bind(tenant).bind(code).get_result(sys.conn())?)
}

#[derive(QueryableByName)]
struct ClaimedName {
    #[diesel(sql_type = SqlUuid)]
    event_id: EventId,
    #[diesel(sql_type = Bytea)]
    body_hash: Vec<u8>,
}

// A concurrent copy waits here until the first has committed, and then finds its row.
const CLAIM_NAME: &str = "INSERT INTO notification_event_keys (tenant_id, key, event_id, body_hash, created_at) \
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant_id, key) DO UPDATE \
    SET event_id = excluded.event_id, body_hash = excluded.body_hash, created_at = excluded.created_at \
    WHERE notification_event_keys.created_at < $6";
const CLAIMED_NAME: &str =
    "SELECT event_id, body_hash FROM notification_event_keys WHERE tenant_id = $1 AND key = $2";

/// Claims `name` for the event `id`. Returns the event that already has it, if any. A name expires after a day.
/// Errors: `IDEMPOTENCY_MISMATCH` if that event has other content.
pub fn claim_name(
    sys: &mut SystemTx<'_>,
    tenant: TenantId,
    name: &IdempotencyName,
    id: EventId,
    (now, oldest_valid): (Timestamp, Timestamp),
) -> Result<Option<EventId>> {
    let claimed_rows = sql(CLAIM_NAME)
        .bind(tenant)
        .bind(name.key.as_str())
        .bind(id)
        .bind(name.body_hash.clone())
        .bind(now)
        .bind(oldest_valid)
        .execute(sys.conn())?;
    if claimed_rows == 1 {
        return Ok(None);
    }
    let existing: ClaimedName =
        sql(CLAIMED_NAME).bind(tenant).bind(name.key.as_str()).get_result(sys.conn())?;
    if existing.body_hash != name.body_hash {
        return Err(Error::new(guichet_base::ErrorKind::Validation, "IDEMPOTENCY_MISMATCH"));
    }
    Ok(Some(existing.event_id))
}

const REASSIGN_NAMES: &str =
    "UPDATE notification_event_keys SET event_id = $3 WHERE tenant_id = $1 AND key = ANY ($2)";

/// Assigns `names` to the event `to`.
pub fn reassign_names(
    sys: &mut SystemTx<'_>,
    tenant: TenantId,
    names: &[IdempotencyName],
    to: EventId,
) -> Result<()> {
    if !names.is_empty() {
        let keys: Vec<String> = names.iter().map(|name| name.key.clone()).collect();
        sql(REASSIGN_NAMES).bind(tenant).bind(keys).bind(to).execute(sys.conn())?;
    }
    Ok(())
}

const INSERT: &str = "INSERT INTO notification_events (tenant_id, id, event, source, payload, audience, plan, priority, \
    actor_id, occurred_at, status, planned, created_at, updated_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'running', $11, $12, $12)";

/// A new event without any notification yet.
pub struct NewEvent<'a> {
    pub id: EventId,
    pub announced: &'a AnnouncedEvent,
    pub audience: &'a EventAudience,
    pub plan: &'a Plan,
    pub planned: i64,
    pub now: Timestamp,
}

pub fn insert(sys: &mut SystemTx<'_>, tenant: TenantId, new: &NewEvent<'_>) -> Result<()> {
    let json =
        |value: serde_json::Result<Value>| Ok::<_, Error>(Bind::Jsonb(Some(value.map_err(Error::internal)?)));
    sql(INSERT)
        .bind(tenant)
        .bind(new.id)
        .bind(new.announced.event.as_str())
        .bind(new.announced.source.into_str())
        .bind(Bind::Jsonb(Some(Value::Object(new.announced.payload.clone()))))
        .bind(json(serde_json::to_value(new.audience))?)
        .bind(json(serde_json::to_value(new.plan))?)
        .bind(new.plan.priority.into_str())
        .bind(new.announced.actor)
        .bind(new.announced.occurred_at.unwrap_or(new.now))
        .bind(i32::try_from(new.planned).unwrap_or(i32::MAX))
        .bind(new.now)
        .execute(sys.conn())?;
    Ok(())
}

/// An event whose notifications are not all written yet.
pub struct RunningEvent {
    pub audience: EventAudience,
    pub plan: Plan,
    pub actor: Option<UserId>,
    pub up_to: Option<Uuid>,
}

#[derive(QueryableByName)]
struct RunningRow {
    #[diesel(sql_type = Jsonb)]
    audience: Value,
    #[diesel(sql_type = Jsonb)]
    plan: Value,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    actor_id: Option<UserId>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    up_to: Option<Uuid>,
}

// `SKIP LOCKED`: an event that another process writes is skipped.
const RUNNING: &str = "SELECT audience, plan, actor_id, up_to FROM notification_events \
    WHERE tenant_id = $1 AND id = $2 AND status = 'running' FOR UPDATE SKIP LOCKED";

pub fn lock_running(sys: &mut SystemTx<'_>, tenant: TenantId, id: EventId) -> Result<Option<RunningEvent>> {
    let row: Option<RunningRow> = sql(RUNNING).bind(tenant).bind(id).get_result(sys.conn()).optional()?;
    row.map(|row| {
        Ok(RunningEvent {
            audience: serde_json::from_value(row.audience).map_err(Error::internal)?,
            plan: serde_json::from_value(row.plan).map_err(Error::internal)?,
            actor: row.actor_id,
            up_to: row.up_to,
        })
    })
    .transpose()
}

const RECORD_CHUNK: &str = "UPDATE notification_events SET written = written + $3, skipped = skipped + $4, \
    up_to = coalesce($5, up_to), status = CASE WHEN $6 THEN 'done' ELSE status END, \
    planned = CASE WHEN $6 THEN written + skipped + $3 + $4 ELSE planned END, \
    finished_at = CASE WHEN $6 THEN $7 END, updated_at = $7 WHERE tenant_id = $1 AND id = $2";

const MOVE_TO_QUEUE_END: &str =
    "UPDATE notification_events SET updated_at = $3 WHERE tenant_id = $1 AND id = $2";

/// Moves the event to the end of the queue.
pub fn move_to_queue_end(
    sys: &mut SystemTx<'_>,
    tenant: TenantId,
    id: EventId,
    now: Timestamp,
) -> Result<()> {
    sql(MOVE_TO_QUEUE_END).bind(tenant).bind(id).bind(now).execute(sys.conn())?;
    Ok(())
}

/// The result of a chunk. After the last one, `planned` is set to the actual number of recipients.
pub struct ChunkResult {
    pub written: i32,
    pub skipped: i32,
    pub up_to: Option<Uuid>,
    pub is_last: bool,
}

pub fn record_chunk(
    sys: &mut SystemTx<'_>,
    tenant: TenantId,
    id: EventId,
    step: &ChunkResult,
    now: Timestamp,
) -> Result<()> {
    sql(RECORD_CHUNK)
        .bind(tenant)
        .bind(id)
        .bind(step.written)
        .bind(step.skipped)
        .bind(step.up_to)
        .bind(step.is_last)
        .bind(now)
        .execute(sys.conn())?;
    Ok(())
}

#[derive(QueryableByName)]
struct ProgressRow {
    #[diesel(sql_type = SqlUuid)]
    id: EventId,
    #[diesel(sql_type = Text)]
    event: String,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Integer)]
    planned: i32,
    #[diesel(sql_type = Integer)]
    written: i32,
    #[diesel(sql_type = Integer)]
    skipped: i32,
    #[diesel(sql_type = BigInt)]
    delivered: i64,
    #[diesel(sql_type = BigInt)]
    failed: i64,
}

const PROGRESS: &str = "SELECT e.id, e.event, e.status, e.planned, e.written, e.skipped, \
    coalesce(d.delivered, 0) AS delivered, coalesce(d.failed, 0) AS failed FROM notification_events e \
    LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE d.status IN ('sent', 'delivered', 'opened')) AS delivered, \
            count(*) FILTER (WHERE d.status IN ('failed', 'bounced')) AS failed \
       FROM deliveries d WHERE d.tenant_id = e.tenant_id AND d.event_id = e.id) d ON true \
    WHERE e.tenant_id = $1 AND e.id = $2";

pub fn progress(tx: &mut Tx<'_>, tenant: TenantId, id: EventId) -> Result<Option<EventProgress>> {
    tx.as_system(|sys| {
        let row: Option<ProgressRow> =
            sql(PROGRESS).bind(tenant).bind(id).get_result(sys.conn()).optional()?;
        Ok(row.map(|row| EventProgress {
            id: row.id,
            event: row.event,
            status: row.status,
            planned: row.planned.into(),
            written: row.written.into(),
            skipped: row.skipped.into(),
            delivered: row.delivered,
            failed: row.failed,
        }))
    })
}

#[derive(QueryableByName)]
struct UnknownRecipient {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

const UNKNOWN_RECIPIENTS: &str = "SELECT w.id FROM unnest($2::uuid[]) w (id) \
      WHERE NOT EXISTS (SELECT FROM users u WHERE u.tenant_id = $1 AND u.id = w.id AND u.deleted_at IS NULL) \
    UNION ALL SELECT w.id FROM unnest($3::uuid[]) w (id) \
      WHERE NOT EXISTS (SELECT FROM teams t WHERE t.tenant_id = $1 AND t.id = w.id) \
    UNION ALL SELECT w.id FROM unnest($4::uuid[]) w (id) \
      WHERE NOT EXISTS (SELECT FROM clients c WHERE c.tenant_id = $1 AND c.id = w.id) LIMIT 20";

/// Ids of users, teams and clients of the audience that the tenant does not have; at most 20.
pub fn unknown_recipients(
    sys: &mut SystemTx<'_>,
    tenant: TenantId,
    audience: &EventAudience,
) -> Result<Vec<Uuid>> {
    let clients: Vec<ClientId> = audience.clients.iter().chain(&audience.operators_of).copied().collect();
    let rows: Vec<UnknownRecipient> = sql(UNKNOWN_RECIPIENTS)
        .bind(tenant)
        .bind(audience.users.iter().map(|id| id.0).collect::<Vec<_>>())
        .bind(audience.teams.iter().map(|id| id.0).collect::<Vec<_>>())
        .bind(clients.iter().map(|id| id.0).collect::<Vec<_>>())
        .load(sys.conn())?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

#[derive(QueryableByName)]
struct PendingEvent {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: TenantId,
    #[diesel(sql_type = SqlUuid)]
    id: EventId,
}

// Ordered by waiting time; critical events count one minute more. An event that fails repeatedly moves back, so that
// other events are processed.
const PENDING: &str = "SELECT tenant_id, id FROM notification_events WHERE status = 'running' \
    ORDER BY updated_at - CASE WHEN priority = 'critical' THEN interval '1 minute' ELSE interval '0' END LIMIT $1";

/// Unfinished events of all tenants.
pub fn pending_events(tx: &mut WorkerTx<'_>, limit: i64) -> Result<Vec<(TenantId, EventId)>> {
    let rows: Vec<PendingEvent> = sql(PENDING).bind(limit).load(tx.conn())?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.id)).collect())
}
