//! Claims due deliveries under a lease.

use diesel::prelude::*;
use diesel::sql_types::{Integer, Text, Uuid as SqlUuid};
use guichet_base::id::{DeliveryId, TenantId};
use guichet_base::{Result, Timestamp};
use guichet_db::WorkerTx;
use guichet_db::sql::sql;
use uuid::Uuid;

use crate::deliveries::model::Lane;
use crate::preferences::Channel;

/// A channel and lane, and the largest number of rows to claim from it.
#[derive(Debug, Clone, Copy)]
pub struct ClaimRequest {
    pub channel: Channel,
    pub lane: Lane,
    pub limit: i64,
}

/// A claimed row.
#[derive(Debug, Clone, Copy)]
pub struct ClaimedDelivery {
    pub tenant: TenantId,
    pub id: DeliveryId,
    pub channel: Channel,
    pub lane: Lane,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: TenantId,
    #[diesel(sql_type = SqlUuid)]
    id: DeliveryId,
    #[diesel(sql_type = Text)]
    channel: String,
    #[diesel(sql_type = Integer)]
    lane: i32,
}

// One index scan per channel and lane. The status is unchanged: if the lease expires before an attempt begins, the
// row is claimed again. A row with an unknown result is due at its deadline.
const CLAIM: &str = "
    WITH due AS MATERIALIZED (
        SELECT d.tenant_id, d.id
          FROM unnest($1::text[], $2::integer[], $3::bigint[]) AS asked (channel, lane, most),
               LATERAL (SELECT w.tenant_id, w.id FROM deliveries w
                         WHERE w.channel = asked.channel AND w.lane = asked.lane AND w.status IN ('queued', 'sending')
                           AND w.next_attempt_at <= $4 AND (w.lease_until IS NULL OR w.lease_until <= $4)
                         ORDER BY w.next_attempt_at LIMIT asked.most FOR UPDATE SKIP LOCKED) d)
    UPDATE deliveries d SET lease_until = $5, lease_token = $6 FROM due
     WHERE d.tenant_id = due.tenant_id AND d.id = due.id
    RETURNING d.tenant_id, d.id, d.channel, d.lane::integer AS lane";

/// Claims the rows that are due at `now`, with the lease token `token`, until `lease_until`.
pub fn claim_due(
    tx: &mut WorkerTx<'_>,
    requests: &[ClaimRequest],
    token: Uuid,
    (now, lease_until): (Timestamp, Timestamp),
) -> Result<Vec<ClaimedDelivery>> {
    let rows: Vec<Row> = sql(CLAIM)
        .bind(requests.iter().map(|request| request.channel.into_str().to_owned()).collect::<Vec<_>>())
        .bind(requests.iter().map(|request| request.lane.number()).collect::<Vec<_>>())
        .bind(requests.iter().map(|request| request.limit).collect::<Vec<_>>())
        .bind(now)
        .bind(lease_until)
        .bind(token)
        .load(tx.conn())?;
    let claimed = rows.into_iter().filter_map(|row| {
        let (channel, lane) = (row.channel.parse::<Channel>().ok()?, Lane::from_number(row.lane)?);
        Some(ClaimedDelivery { tenant: row.tenant_id, id: row.id, channel, lane })
    });
    Ok(claimed.collect())
}
