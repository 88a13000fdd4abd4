//! Writes of attempts: the begin, and the outcome, which only the holder of the lease can write.

use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use guichet_base::id::{DeliveryId, TenantId};
use guichet_base::{Error, Result, Timestamp};
use guichet_db::Tx;
use guichet_db::sql::{Bind, sql};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::deliveries::model::DeliveryStatus;

/// The content of a delivery whose attempt begins.
#[derive(Debug, Clone, Serialize)]
pub struct AttemptStart {
    pub id: DeliveryId,
    pub rendered: Value,
    /// `None` leaves the column unchanged.
    pub payload_excerpt: Option<String>,
}

/// The new state of a delivery after a recheck or an attempt.
#[derive(Debug, Clone, Serialize)]
pub struct DeliveryOutcome {
    pub id: DeliveryId,
    pub status: DeliveryStatus,
    pub attempts: i32,
    pub next_attempt_at: Timestamp,
    pub provider: Option<String>,
    pub provider_id: Option<String>,
    pub last_error: Option<String>,
    pub sent_at: Option<Timestamp>,
}

const BEGIN: &str = "
    UPDATE deliveries d SET status = 'sending', attempts = d.attempts + 1, lease_until = $4, updated_at = $5,
           rendered = coalesce(d.rendered, b.rendered), payload_excerpt = coalesce(d.payload_excerpt, b.payload_excerpt)
      FROM jsonb_to_recordset($2) AS b (id uuid, rendered jsonb, payload_excerpt text)
     WHERE d.tenant_id = $1 AND d.id = b.id AND d.lease_token = $3";

/// Begins attempts and renews their leases. The rows must be locked by `load_claimed` in this transaction.
pub fn begin_attempts(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    starts: &[AttemptStart],
    token: Uuid,
    (now, lease_until): (Timestamp, Timestamp),
) -> Result<()> {
    if starts.is_empty() {
        return Ok(());
    }
    sql(BEGIN)
        .bind(tenant)
        .bind(jsonb_rows(starts)?)
        .bind(token)
        .bind(lease_until)
        .bind(now)
        .execute(tx.conn())?;
    Ok(())
}

// `coalesce` keeps the provider's id, which later outcomes do not contain.
const WRITE_OUTCOMES: &str = "
    UPDATE deliveries d SET status = o.status, attempts = o.attempts, next_attempt_at = o.next_attempt_at,
           provider = coalesce(o.provider, d.provider), provider_id = coalesce(o.provider_id, d.provider_id),
           last_error = o.last_error, sent_at = coalesce(o.sent_at, d.sent_at),
           lease_until = NULL, lease_token = NULL, updated_at = $4
      FROM jsonb_to_recordset($2) AS o (id uuid, status text, attempts integer, next_attempt_at timestamptz, provider text,
           provider_id text, last_error text, sent_at timestamptz)
     WHERE d.tenant_id = $1 AND d.id = o.id AND d.lease_token = $3
    RETURNING d.id";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: DeliveryId,
}

/// Writes the outcomes of deliveries that still have the lease `token`, and returns the ids of these deliveries.
pub fn write_outcomes(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    outcomes: &[DeliveryOutcome],
    token: Uuid,
    now: Timestamp,
) -> Result<Vec<DeliveryId>> {
    if outcomes.is_empty() {
        return Ok(Vec::new());
    }
    let written: Vec<Row> =
        sql(WRITE_OUTCOMES).bind(tenant).bind(jsonb_rows(outcomes)?).bind(token).bind(now).load(tx.conn())?;
    Ok(written.into_iter().map(|row| row.id).collect())
}

const RELEASE: &str = "UPDATE deliveries SET lease_until = NULL, lease_token = NULL \
    WHERE tenant_id = $1 AND id = ANY ($2) AND lease_token = $3 AND status = 'queued'";

/// Releases claims for which no attempt began.
pub fn release_claims(tx: &mut Tx<'_>, tenant: TenantId, ids: Vec<Uuid>, token: Uuid) -> Result<()> {
    sql(RELEASE).bind(tenant).bind(ids).bind(token).execute(tx.conn())?;
    Ok(())
}

fn jsonb_rows<T: Serialize>(rows: &[T]) -> Result<Bind> {
    Ok(Bind::Jsonb(Some(serde_json::to_value(rows).map_err(Error::internal)?)))
}
