//! Counts for gauges and for the email failure alert.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Timestamptz, Uuid as SqlUuid};
use guichet_base::id::TenantId;
use guichet_base::{Result, Timestamp};
use guichet_db::sql::sql;
use guichet_db::{Tx, WorkerTx};
use strum::VariantArray;

use crate::deliveries::model::Lane;

#[derive(QueryableByName)]
struct BacklogRow {
    #[diesel(sql_type = Integer)]
    lane: i32,
    #[diesel(sql_type = BigInt)]
    depth: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    oldest: Option<Timestamp>,
}

/// The backlog of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneBacklog {
    pub lane: Lane,
    pub depth: i64,
    /// The earliest due time of the rows that are due; `None` if none is due.
    pub oldest_due_at: Option<Timestamp>,
}

// Reads only the partial index of pending rows. Rows that are due later (quiet hours, unknown result) are not overdue.
const LANE_BACKLOGS: &str = "SELECT lane::integer AS lane, count(*) AS depth, min(next_attempt_at) FILTER (WHERE next_attempt_at <= $1) AS oldest \
    FROM deliveries WHERE status IN ('queued', 'sending') GROUP BY lane";

pub fn lane_backlogs(tx: &mut WorkerTx<'_>, now: Timestamp) -> Result<Vec<LaneBacklog>> {
    let rows: Vec<BacklogRow> = sql(LANE_BACKLOGS).bind(now).load(tx.conn())?;
    let find_row = |lane: Lane| rows.iter().find(|row| row.lane == lane.number());
    let backlogs = Lane::VARIANTS.iter().copied().map(|lane| LaneBacklog {
        lane,
        depth: find_row(lane).map_or(0, |row| row.depth),
        oldest_due_at: find_row(lane).and_then(|row| row.oldest),
    });
    Ok(backlogs.collect())
}

/// Failed and finished emails of a tenant within a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct EmailFailures {
    #[diesel(sql_type = SqlUuid)]
    pub tenant_id: TenantId,
    #[diesel(sql_type = BigInt)]
    pub failed: i64,
    #[diesel(sql_type = BigInt)]
    pub total: i64,
}

const TENANTS_WITH_FAILURES: &str = "SELECT tenant_id, count(*) FILTER (WHERE status IN ('failed', 'bounced')) AS failed, count(*) AS total \
    FROM deliveries WHERE channel = 'email' AND status IN ('sent', 'delivered', 'opened', 'failed', 'bounced') AND updated_at > $1 \
    GROUP BY tenant_id HAVING count(*) >= $2 AND count(*) FILTER (WHERE status IN ('failed', 'bounced')) * 100 > $3 * count(*)";

/// Tenants with at least `min_outcomes` finished emails since `since`, of which more than `percent` percent failed.
pub fn tenants_with_failures(
    tx: &mut WorkerTx<'_>,
    since: Timestamp,
    min_outcomes: i64,
    percent: i64,
) -> Result<Vec<EmailFailures>> {
    Ok(sql(TENANTS_WITH_FAILURES).bind(since).bind(min_outcomes).bind(percent).load(tx.conn())?)
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

const ALERTS_SINCE: &str = "SELECT count(*) AS number FROM notification_events \
    WHERE tenant_id = $1 AND event = 'email.failure_rate' AND created_at > $2";

/// Whether the tenant was alerted since `since`.
pub fn was_alerted(tx: &mut Tx<'_>, tenant: TenantId, since: Timestamp) -> Result<bool> {
    let found: Count = sql(ALERTS_SINCE).bind(tenant).bind(since).get_result(tx.conn())?;
    Ok(found.number > 0)
}
