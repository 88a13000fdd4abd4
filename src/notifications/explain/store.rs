//! Reads what is stored about one event for one person.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Jsonb, Nullable, Text, Uuid as SqlUuid};
use guichet_base::id::{DeliveryId, EventId, NotificationId, TenantId, UserId};
use guichet_base::{Error, Result};
use guichet_db::SystemTx;
use guichet_db::sql::sql;
use serde_json::Value;

use super::model::ExplainedDelivery;
use crate::preferences::{Channel, Decision};
use crate::schema::deliveries;

/// Upper bound; a notification has fewer deliveries.
const MAX_DELIVERIES: i64 = 100;

/// What is stored about an event and a person. Retention may have removed any part.
#[derive(QueryableByName)]
pub struct StoredExplanation {
    #[diesel(sql_type = Bool)]
    pub knows_person: bool,
    #[diesel(sql_type = Bool)]
    pub knows_event: bool,
    #[diesel(sql_type = Bool)]
    pub is_running: bool,
    #[diesel(sql_type = Nullable<Text>)]
    pub event: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub notification: Option<NotificationId>,
    #[diesel(sql_type = Bool)]
    pub is_shown: bool,
    #[diesel(sql_type = Nullable<Jsonb>)]
    decision: Option<Value>,
}

impl StoredExplanation {
    pub fn decision(&self) -> Result<Option<Decision>> {
        let decision = self.decision.clone().map(serde_json::from_value).transpose();
        decision.map_err(Error::internal)
    }
}

// Chat messages are events without a row in `notification_events`; their notifications have the event's id.
const STORED_EXPLANATION: &str = "
    SELECT u.id IS NOT NULL AS knows_person, e.id IS NOT NULL AS knows_event, coalesce(e.status = 'running', false) AS is_running,
           coalesce(e.event, n.type) AS event, n.id AS notification, coalesce(n.visible AND n.deleted_at IS NULL, false) AS is_shown,
           coalesce(n.decision, k.decision) AS decision
      FROM (VALUES ($1::uuid, $2::uuid, $3::uuid)) AS asked (tenant_id, event_id, user_id)
      LEFT JOIN users u ON u.tenant_id = asked.tenant_id AND u.id = asked.user_id
      LEFT JOIN notification_events e ON e.tenant_id = asked.tenant_id AND e.id = asked.event_id
      LEFT JOIN notifications n ON n.tenant_id = asked.tenant_id AND n.event_id = asked.event_id AND n.recipient_id = asked.user_id
      LEFT JOIN notification_skips k ON k.tenant_id = asked.tenant_id AND k.event_id = asked.event_id AND k.user_id = asked.user_id";

/// Runs as the system, because row-level security hides a notification that exists only for its deliveries.
pub fn load_explanation(
    sys: &mut SystemTx<'_>,
    tenant: TenantId,
    event: EventId,
    user: UserId,
) -> Result<StoredExplanation> {
    Ok(sql(STORED_EXPLANATION).bind(tenant).bind(event).bind(user).get_result(sys.conn())?)
}

pub fn deliveries_of(
    sys: &mut SystemTx<'_>,
    tenant: TenantId,
    notification: NotificationId,
) -> Result<Vec<ExplainedDelivery>> {
    let rows: Vec<(DeliveryId, String, String)> = deliveries::table
        .filter(deliveries::tenant_id.eq(tenant).and(deliveries::notification_id.eq(notification)))
        .select((deliveries::id, deliveries::channel, deliveries::status))
        .order((deliveries::channel, deliveries::id))
        .limit(MAX_DELIVERIES)
        .load(sys.conn())?;
    let to_delivery = |(id, channel, status): (DeliveryId, String, String)| {
        Some(ExplainedDelivery { id, channel: channel.parse::<Channel>().ok()?, status })
    };
    Ok(rows.into_iter().filter_map(to_delivery).collect())
}
