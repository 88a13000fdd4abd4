//! Writes of manual retries and samples.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use guichet_base::id::{DeliveryId, TenantId, UserId};
use guichet_base::{Result, Timestamp};
use guichet_db::Tx;
use guichet_db::sql::{Bind, sql};
use serde_json::Value;

use super::list::{COLUMNS, Row};
use crate::deliveries::model::{Delivery, DeliveryStatus, Lane};
use crate::preferences::Channel;

// A queued delivery becomes due at once: a worker that has claimed it but not begun an attempt loses its lease. An
// uncertain delivery has no lease; the recipient may receive it twice.
const REQUEUE: &str = "UPDATE deliveries SET status = 'queued', attempts = 0, next_attempt_at = $3, deadline_at = $4, \
    lease_until = NULL, lease_token = NULL, last_error = NULL, updated_at = $3 \
    WHERE tenant_id = $1 AND id = $2 AND (status IN ('queued', 'failed', 'bounced', 'skipped') \
      OR (status = 'sending' AND lease_token IS NULL)) RETURNING ";

/// Makes a delivery due now and resets its attempt count and deadline. `None` if it is being sent, or was sent.
pub fn requeue(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    id: DeliveryId,
    (now, deadline): (Timestamp, Timestamp),
) -> Result<Option<Delivery>> {
    tx.as_system(|sys| {
        let text = format!("{REQUEUE}{COLUMNS}");
        let row: Option<Row> =
            sql(text).bind(tenant).bind(id).bind(now).bind(deadline).get_result(sys.conn()).optional()?;
        row.map(Row::into_delivery).transpose()
    })
}

/// Filter of the deliveries to retry.
#[derive(Debug, Clone)]
pub struct RetryFilter {
    pub status: DeliveryStatus,
    pub channel: Option<Channel>,
    pub kind: Option<String>,
    /// The start of `last_error`.
    pub error_prefix: Option<String>,
}

/// Queues the newest matching deliveries again, at most `limit`. Returns their number.
pub fn requeue_many(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    filter: &RetryFilter,
    limit: i64,
    (now, deadline): (Timestamp, Timestamp),
) -> Result<usize> {
    let mut text = String::from(
        "UPDATE deliveries d SET status = 'queued', attempts = 0, next_attempt_at = $3, deadline_at = $4, \
         lease_until = NULL, lease_token = NULL, last_error = NULL, updated_at = $3 \
         FROM (SELECT id FROM deliveries WHERE tenant_id = $1 AND status = $2",
    );
    for (is_set, condition) in [
        (filter.channel.is_some(), " AND channel = $6"),
        (filter.kind.is_some(), " AND type = $7"),
        (filter.error_prefix.is_some(), " AND starts_with(last_error, $8)"),
    ] {
        text.push_str(if is_set { condition } else { "" });
    }
    text.push_str(
        " ORDER BY created_at DESC, id DESC LIMIT $5 FOR UPDATE SKIP LOCKED) chosen \
         WHERE d.tenant_id = $1 AND d.id = chosen.id",
    );
    let statement = sql(text)
        .bind(tenant)
        .bind(filter.status.into_str())
        .bind(now)
        .bind(deadline)
        .bind(limit)
        .bind(filter.channel.map(|channel| channel.into_str().to_owned()))
        .bind(filter.kind.clone())
        .bind(filter.error_prefix.clone());
    tx.as_system(|sys| Ok(statement.execute(sys.conn())?))
}

#[derive(QueryableByName)]
struct AddressRow {
    #[diesel(sql_type = Nullable<Text>)]
    email: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    phone: Option<String>,
    #[diesel(sql_type = BigInt)]
    recent: i64,
}

const ADDRESS_AND_RECENT_SAMPLES: &str = "SELECT u.email, u.phone, (SELECT count(*) FROM deliveries d WHERE d.tenant_id = $1 AND d.user_id = $2 \
      AND d.event_id IS NULL AND d.created_at > $3) AS recent \
    FROM users u WHERE u.tenant_id = $1 AND u.id = $2";

/// A person's address on a channel, and the number of deliveries without event (samples, digests) since `since`.
pub fn address_and_recent_samples(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    user: UserId,
    channel: Channel,
    since: Timestamp,
) -> Result<(Option<String>, i64)> {
    let statement = sql(ADDRESS_AND_RECENT_SAMPLES).bind(tenant).bind(user).bind(since);
    let row: AddressRow = tx.as_system(|sys| Ok(statement.get_result(sys.conn())?))?;
    let address = match channel {
        Channel::Email => row.email,
        Channel::Sms => row.phone,
        Channel::Inapp | Channel::Push => None,
    };
    Ok((address, row.recent))
}

/// A sample to insert: a delivery without notification, already rendered.
#[derive(Debug, Clone)]
pub struct NewSample {
    pub user: UserId,
    pub channel: Channel,
    pub kind: String,
    pub to: String,
    pub rendered: Value,
    pub excerpt: String,
}

const INSERT_SAMPLE: &str = "INSERT INTO deliveries (tenant_id, id, user_id, channel, type, to_address, lane, next_attempt_at, \
    deadline_at, rendered, payload_excerpt, created_at, updated_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7::smallint, $8, $9, $10, $11, $8, $8) RETURNING ";

pub fn insert_sample(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    sample: &NewSample,
    (now, deadline): (Timestamp, Timestamp),
) -> Result<Delivery> {
    let statement = sql(format!("{INSERT_SAMPLE}{COLUMNS}"))
        .bind(tenant)
        .bind(DeliveryId::new())
        .bind(sample.user)
        .bind(sample.channel.into_str())
        .bind(sample.kind.as_str())
        .bind(sample.to.as_str())
        .bind(Lane::Normal.number())
        .bind(now)
        .bind(deadline)
        .bind(Bind::Jsonb(Some(sample.rendered.clone())))
        .bind(sample.excerpt.as_str());
    tx.as_system(|sys| statement.get_result::<Row>(sys.conn())?.into_delivery())
}
