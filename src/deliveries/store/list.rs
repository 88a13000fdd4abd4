//! Reads deliveries for the API.

use diesel::prelude::*;
use diesel::sql_types::{Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use guichet_base::id::{DeliveryId, NotificationId, TenantId, UserId};
use guichet_base::{Error, Result, Timestamp};
use guichet_db::Tx;
use guichet_db::sql::{Statement, sql};
use uuid::Uuid;

use crate::deliveries::model::{Delivery, DeliveryFilter, DeliveryStatus, Lane, mask_address};
use crate::preferences::Channel;

/// The columns that [`Row`] reads.
pub const COLUMNS: &str = "id, notification_id, ticket_id, user_id, channel, type AS kind, to_address, lane::integer AS lane, \
    status, attempts, next_attempt_at, deadline_at, provider, provider_id, payload_excerpt, last_error, sent_at, \
    delivered_at, opened_at, created_at, updated_at";

#[derive(QueryableByName)]
pub struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: DeliveryId,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    notification_id: Option<NotificationId>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    ticket_id: Option<Uuid>,
    #[diesel(sql_type = SqlUuid)]
    user_id: UserId,
    #[diesel(sql_type = Text)]
    channel: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    to_address: String,
    #[diesel(sql_type = Integer)]
    lane: i32,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Timestamptz)]
    next_attempt_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    deadline_at: Timestamp,
    #[diesel(sql_type = Nullable<Text>)]
    provider: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    provider_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    payload_excerpt: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    last_error: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    sent_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    delivered_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    opened_at: Option<Timestamp>,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    updated_at: Timestamp,
}

impl Row {
    /// Converts the row. Errors: `INTERNAL` for a value that the constraints of the table exclude.
    pub fn into_delivery(self) -> Result<Delivery> {
        let unknown_value = || Error::internal("a row of deliveries has an unknown channel, lane or status");
        let channel = self.channel.parse::<Channel>().ok().ok_or_else(unknown_value)?;
        let to_address = match channel {
            Channel::Push => mask_address(channel, &self.to_address),
            Channel::Inapp | Channel::Email | Channel::Sms => self.to_address,
        };
        Ok(Delivery {
            id: self.id,
            notification_id: self.notification_id,
            ticket_id: self.ticket_id,
            user_id: self.user_id,
            channel,
            kind: self.kind,
            to_address,
            lane: Lane::from_number(self.lane).ok_or_else(unknown_value)?,
            status: self.status.parse::<DeliveryStatus>().ok().ok_or_else(unknown_value)?,
            attempts: self.attempts,
            next_attempt_at: self.next_attempt_at,
            deadline_at: self.deadline_at,
            provider: self.provider,
            provider_id: self.provider_id,
            payload_excerpt: self.payload_excerpt,
            last_error: self.last_error,
            sent_at: self.sent_at,
            delivered_at: self.delivered_at,
            opened_at: self.opened_at,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// The newest deliveries that match. Each set of filters has its own SQL text, so that each can use its own index.
///
/// Read as the system: content is confidential, so row-level security hides the rows from everyone, and this list has
/// no column with content.
pub fn list(tx: &mut Tx<'_>, tenant: TenantId, filter: &DeliveryFilter) -> Result<Vec<Delivery>> {
    let mut text = format!("SELECT {COLUMNS} FROM deliveries WHERE tenant_id = $1");
    for (is_set, condition) in [
        (filter.status.is_some(), " AND status = $3"),
        (filter.channel.is_some(), " AND channel = $4"),
        (filter.kind.is_some(), " AND type = $5"),
        (filter.user.is_some(), " AND user_id = $6"),
        (filter.notification.is_some(), " AND notification_id = $7"),
        (filter.error_prefix.is_some(), " AND starts_with(last_error, $8)"),
        (filter.since.is_some(), " AND created_at >= $9"),
        (filter.after.is_some(), " AND (created_at, id) < ($10, $11)"),
    ] {
        text.push_str(if is_set { condition } else { "" });
    }
    text.push_str(" ORDER BY created_at DESC, id DESC LIMIT $2");
    let statement = bind_filter(sql(text), tenant, filter);
    let rows: Vec<Row> = tx.as_system(|sys| Ok(statement.load(sys.conn())?))?;
    rows.into_iter().map(Row::into_delivery).collect()
}

/// Binds all values; those of absent filters are NULL, and the text does not use them.
fn bind_filter(statement: Statement, tenant: TenantId, filter: &DeliveryFilter) -> Statement {
    statement
        .bind(tenant)
        .bind(filter.limit)
        .bind(filter.status.map(|status| status.into_str().to_owned()))
        .bind(filter.channel.map(|channel| channel.into_str().to_owned()))
        .bind(filter.kind.clone())
        .bind(filter.user)
        .bind(filter.notification)
        .bind(filter.error_prefix.clone())
        .bind(filter.since)
        .bind(filter.after.map(|after| after.created_at))
        .bind(filter.after.map(|after| after.id))
}

/// Finds a delivery of the tenant by id.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, id: DeliveryId) -> Result<Option<Delivery>> {
    let text = format!("SELECT {COLUMNS} FROM deliveries WHERE tenant_id = $1 AND id = $2");
    let statement = sql(text).bind(tenant).bind(id);
    let row: Option<Row> = tx.as_system(|sys| Ok(statement.get_result(sys.conn()).optional()?))?;
    row.map(Row::into_delivery).transpose()
}
