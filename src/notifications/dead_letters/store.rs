//! The rows of rejected events.

use diesel::prelude::*;
use diesel::sql_types::{Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use guichet_base::id::{EventId, TenantId};
use guichet_base::page::Page;
use guichet_base::{Error, Result, Timestamp};
use guichet_db::Tx;
use guichet_db::sql::{Bind, sql};
use serde_json::Value;
use uuid::Uuid;

use super::model::{RejectedEvent, Rejection, rejection_reason, without_nul_characters};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    source: String,
    #[diesel(sql_type = Jsonb)]
    body: Value,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Text)]
    reason: String,
    #[diesel(sql_type = Integer)]
    retries: i32,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    event_id: Option<EventId>,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    updated_at: Timestamp,
}

impl From<Row> for RejectedEvent {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            source: row.source,
            body: row.body,
            code: row.code,
            reason: row.reason,
            retries: row.retries,
            event_id: row.event_id,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

const COLUMNS: &str = "id, source, body, code, reason, retries, event_id, created_at, updated_at";

const INSERT: &str = "INSERT INTO rejected_events \
    (tenant_id, id, source, body, code, reason, created_at, updated_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (tenant_id, id) DO NOTHING";

/// The code and the reason for which an event was rejected.
pub(super) struct RejectionError {
    code: &'static str,
    reason: String,
}

impl RejectionError {
    pub fn from_error(error: &Error) -> Self {
        Self { code: error.code(), reason: rejection_reason(error) }
    }
}

pub(super) struct NewDeadLetter {
    id: Uuid,
    source: &'static str,
    body: Value,
    error: RejectionError,
}

impl NewDeadLetter {
    pub fn from_rejection(id: Uuid, rejection: &Rejection<'_>) -> Self {
        let (source, body) = (rejection.source.into_str(), without_nul_characters(rejection.body));
        Self { id, source, body, error: RejectionError::from_error(rejection.error) }
    }
}

/// Inserts a rejected event. Returns false if a copy is stored already.
pub(super) fn insert(tx: &mut Tx<'_>, tenant: TenantId, row: &NewDeadLetter, now: Timestamp) -> Result<bool> {
    let statement = sql(INSERT)
        .bind(tenant)
        .bind(row.id)
        .bind(row.source)
        .bind(Bind::Jsonb(Some(row.body.clone())))
        .bind(row.error.code)
        .bind(row.error.reason.as_str())
        .bind(now);
    tx.as_system(|sys| Ok(statement.execute(sys.conn())? == 1))
}

/// A page of the tenant's rejected events, newest first.
pub(super) fn list(tx: &mut Tx<'_>, tenant: TenantId, page: Page) -> Result<Vec<RejectedEvent>> {
    let text = format!(
        "SELECT {COLUMNS} FROM rejected_events WHERE tenant_id = $1 \
         ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3"
    );
    let rows: Vec<Row> = sql(text).bind(tenant).bind(page.limit).bind(page.offset).load(tx.conn())?;
    Ok(rows.into_iter().map(RejectedEvent::from).collect())
}

pub(super) fn find(tx: &mut Tx<'_>, tenant: TenantId, id: Uuid) -> Result<Option<RejectedEvent>> {
    let text = format!("SELECT {COLUMNS} FROM rejected_events WHERE tenant_id = $1 AND id = $2");
    let row: Option<Row> = sql(text).bind(tenant).bind(id).get_result(tx.conn()).optional()?;
    Ok(row.map(RejectedEvent::from))
}

const RECORD_ACCEPTANCE: &str = "UPDATE rejected_events SET event_id = $3, updated_at = $4 \
    WHERE tenant_id = $1 AND id = $2 AND event_id IS NULL";

/// Records the event that a retry created.
pub(super) fn record_acceptance(
    tx: &mut Tx<'_>,
    (tenant, id): (TenantId, Uuid),
    event: EventId,
    now: Timestamp,
) -> Result<()> {
    let statement = sql(RECORD_ACCEPTANCE).bind(tenant).bind(id).bind(event).bind(now);
    tx.as_system(|sys| Ok(statement.execute(sys.conn()).map(drop)?))
}

const RECORD_REFUSAL: &str = "UPDATE rejected_events SET code = $3, reason = $4, retries = retries + 1, updated_at = $5 \
    WHERE tenant_id = $1 AND id = $2 AND event_id IS NULL";

/// Records that a retry failed, and increments the number of retries.
pub(super) fn record_refusal(
    tx: &mut Tx<'_>,
    (tenant, id): (TenantId, Uuid),
    error: &RejectionError,
    now: Timestamp,
) -> Result<()> {
    let statement =
        sql(RECORD_REFUSAL).bind(tenant).bind(id).bind(error.code).bind(error.reason.as_str()).bind(now);
    tx.as_system(|sys| Ok(statement.execute(sys.conn()).map(drop)?))
}
