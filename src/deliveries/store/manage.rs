//! Manual retries and samples.

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

// A queued delivery becomes due at once: a worker that just claimed it loses it before an attempt begins. An
// uncertain one has no lease: the caller accepts that a second copy may arrive.
const REQUEUE: &str = "UPDATE deliveries SET status = 'queued', attempts = 0, next_attempt_at = $3, deadline_at = $4, \
    lease_until = NULL, lease_token = NULL, last_error = NULL, updated_at = $3 \
    WHERE tenant_id = $1 AND id = $2 AND (status IN ('queued', 'failed', 'bounced', 'skipped') \
      OR (status = 'sending' AND lease_token IS NULL)) RETURNING ";

/// Queues a delivery for now, with new attempts and a new deadline. `None` if it is being sent, or was sent.
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

/// The deliveries to retry.
#[derive(Debug, Clone)]
pub struct RetryFilter {
    pub status: DeliveryStatus,
    pub channel: Option<Channel>,
    pub kind: Option<String>,
    /// The start of `last_error`.
    pub error_prefix: Option<String>,
}

/// Queues the newest `most` matching deliveries again. Returns their number.
pub fn requeue_many(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    cause: &RetryFilter,
    most: i64,
    (now, deadline): (Timestamp, Timestamp),
) -> Result<usize> {
    let mut text = String::from(
        "UPDATE deliveries d SET status = 'queued', attempts = 0, next_attempt_at = $3, deadline_at = $4, \
         lease_until = NULL, lease_token = NULL, last_error = NULL, updated_at = $3 \
         FROM (SELECT id FROM deliveries WHERE tenant_id = $1 AND status = $2",
    );
    for (wanted, condition) in [
        (cause.channel.is_some(), " AND channel = $6"),
        (cause.kind.is_some(), " AND type = $7"),
        (cause.error_prefix.is_some(), " AND starts_with(last_error, $8)"),
    ] {
        text.push_str(if wanted { condition } else { "" });
    }
    text.push_str(
        " ORDER BY created_at DESC, id DESC LIMIT $5 FOR UPDATE SKIP LOCKED) chosen \
         WHERE d.tenant_id = $1 AND d.id = chosen.id",
    );
    let statement = sql(text)
        .bind(tenant)
        .bind(cause.status.into_str())
        .bind(now)
        .bind(deadline)
        .bind(most)
        .bind(cause.channel.map(|channel| channel.into_str().to_owned()))
        .bind(cause.kind.clone())
        .bind(cause.error_prefix.clone());
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

const OWN_ADDRESS: &str = "SELECT u.email, u.phone, (SELECT count(*) FROM deliveries d WHERE d.tenant_id = $1 AND d.user_id = $2 \
      AND d.event_id IS NULL AND d.created_at > $3) AS recent \
    FROM users u WHERE u.tenant_id = $1 AND u.id = $2";

/// A person's address on a channel, and the number of samples they got since `since`.
pub fn address_and_recent_samples(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    user: UserId,
    channel: Channel,
    since: Timestamp,
) -> Result<(Option<String>, i64)> {
    let statement = sql(OWN_ADDRESS).bind(tenant).bind(user).bind(since);
    let me: AddressRow = tx.as_system(|sys| Ok(statement.get_result(sys.conn())?))?;
    let address = match channel {
        Channel::Email => me.email,
        Channel::Sms => me.phone,
        Channel::Inapp | Channel::Push => None,
    };
    Ok((address, me.recent))
}

/// A delivery without notification, already rendered.
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
