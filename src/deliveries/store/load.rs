//! Loads claimed deliveries with their notifications and their recipients' current preferences.

use chrono::NaiveTime;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer, Jsonb, Nullable, Text, Time, Timestamptz, Uuid as SqlUuid};
use guichet_base::id::{DeliveryId, EventId, TenantId, UserId};
use guichet_base::role::UserType;
use guichet_base::{Locale, Result, Role, Timestamp};
use guichet_db::Tx;
use guichet_db::sql::sql;
use serde_json::Value;
use uuid::Uuid;

use crate::deliveries::recheck::CurrentNotification;
use crate::notifications::model::Status;
use crate::preferences::{
    Category, ChannelChoices, PerChannel, PreferenceLevels, Priority, QuietHours, tenant_defaults,
};

#[derive(QueryableByName)]
pub struct DeliveryContext {
    #[diesel(sql_type = SqlUuid)]
    pub id: DeliveryId,
    /// `None` for digests, summaries and samples.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub event_id: Option<EventId>,
    #[diesel(sql_type = SqlUuid)]
    pub user_id: UserId,
    #[diesel(sql_type = Text)]
    pub channel: String,
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = Text)]
    pub to_address: String,
    #[diesel(sql_type = Text)]
    pub status: String,
    #[diesel(sql_type = Integer)]
    pub attempts: i32,
    #[diesel(sql_type = Timestamptz)]
    pub deadline_at: Timestamp,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub rendered: Option<Value>,
    #[diesel(sql_type = Nullable<Text>)]
    pub last_error: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub title: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub body: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub link: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub data: Option<Value>,
    #[diesel(sql_type = Nullable<Text>)]
    category: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    priority: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    read_status: Option<String>,
    #[diesel(sql_type = Bool)]
    is_deleted: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    expires_at: Option<Timestamp>,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Text)]
    locale: String,
    #[diesel(sql_type = Text)]
    timezone: String,
    /// The person exists, and the address is still theirs.
    #[diesel(sql_type = Bool)]
    pub is_address_current: bool,
    #[diesel(sql_type = Nullable<Bool>)]
    own_email: Option<bool>,
    #[diesel(sql_type = Nullable<Bool>)]
    own_sms: Option<bool>,
    #[diesel(sql_type = Nullable<Bool>)]
    own_push: Option<bool>,
    #[diesel(sql_type = Nullable<Bool>)]
    over_email: Option<bool>,
    #[diesel(sql_type = Nullable<Bool>)]
    over_sms: Option<bool>,
    #[diesel(sql_type = Nullable<Bool>)]
    over_push: Option<bool>,
    #[diesel(sql_type = Nullable<Time>)]
    quiet_from: Option<NaiveTime>,
    #[diesel(sql_type = Nullable<Time>)]
    quiet_to: Option<NaiveTime>,
    #[diesel(sql_type = Nullable<Text>)]
    quiet_timezone: Option<String>,
    /// The tenant's settings.
    #[diesel(sql_type = Jsonb)]
    pub tenant_settings: Value,
    /// The tenant's changes of the template.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub template_changes: Option<Value>,
}

impl DeliveryContext {
    pub fn user_type(&self) -> UserType {
        Role::parse_person_role(&self.role).map_or(UserType::Operator, Role::user_type)
    }

    pub fn locale(&self) -> Locale {
        Locale::parse(&self.locale).unwrap_or_default()
    }

    /// The notification as it is now; `None` if the delivery has none or it no longer exists.
    pub fn current_notification(&self) -> Option<CurrentNotification> {
        let category = self.category.as_deref()?.parse::<Category>().ok()?;
        Some(CurrentNotification {
            category,
            priority: self.priority.as_deref()?.parse::<Priority>().ok()?,
            status: self.read_status.as_deref()?.parse::<Status>().ok()?,
            is_deleted: self.is_deleted,
            expires_at: self.expires_at,
            levels: self.levels(category),
            quiet_hours: self.quiet_hours(),
        })
    }

    fn levels(&self, category: Category) -> PreferenceLevels {
        let choices = |email, sms, push| PerChannel { inapp: None, email, sms, push };
        PreferenceLevels {
            client_override: choices(self.over_email, self.over_sms, self.over_push),
            user: ChannelChoices {
                inapp: None,
                email: self.own_email,
                sms: self.own_sms,
                push: self.own_push,
            },
            tenant_default: tenant_defaults(&self.tenant_settings).for_category(category),
        }
    }

    fn quiet_hours(&self) -> Option<QuietHours> {
        let zone = self.quiet_timezone.as_deref().unwrap_or(&self.timezone);
        QuietHours::from_row(self.quiet_from, self.quiet_to, zone)
    }
}

// Rows with another lease token are left out. An override counts for the client that the event is about, or for
// every client of the member if it is about none. If overrides differ, off wins, as when the delivery was planned.
const LOAD: &str = "
    SELECT d.id, d.event_id, d.user_id, d.channel, d.type AS kind, d.to_address, d.status, d.attempts, d.deadline_at,
           d.rendered, d.last_error, n.title, n.body, n.link, n.data, n.category::text AS category, n.priority,
           n.status AS read_status, n.deleted_at IS NOT NULL AS is_deleted, n.expires_at, u.role, u.locale, u.timezone,
           u.deleted_at IS NULL AND CASE d.channel WHEN 'email' THEN lower(u.email) IS NOT DISTINCT FROM lower(d.to_address)
               WHEN 'sms' THEN u.phone IS NOT DISTINCT FROM d.to_address ELSE true END AS is_address_current,
           p.channel_email AS own_email, p.channel_sms AS own_sms, p.channel_push AS own_push,
           o.email AS over_email, o.sms AS over_sms, o.push AS over_push,
           s.quiet_from, s.quiet_to, s.quiet_timezone, t.settings AS tenant_settings,
           c.fields AS template_changes
      FROM deliveries d
      JOIN users u ON u.tenant_id = d.tenant_id AND u.id = d.user_id
      JOIN tenants t ON t.id = d.tenant_id
      LEFT JOIN notifications n ON n.tenant_id = d.tenant_id AND n.id = d.notification_id
      LEFT JOIN notification_templates c ON c.tenant_id = d.tenant_id AND c.code = d.type
      LEFT JOIN notification_preferences p ON p.tenant_id = d.tenant_id AND p.user_id = d.user_id AND p.category = n.category
      LEFT JOIN notification_settings s ON s.tenant_id = d.tenant_id AND s.user_id = d.user_id
      LEFT JOIN LATERAL (
            SELECT bool_and(v.channel_email) AS email, bool_and(v.channel_sms) AS sms, bool_and(v.channel_push) AS push
              FROM client_members m JOIN notification_overrides v ON v.tenant_id = m.tenant_id AND v.client_id = m.client_id
             WHERE u.role = 'client' AND m.tenant_id = d.tenant_id AND m.user_id = d.user_id AND v.category = n.category
               AND (n.data->>'client_id' IS NULL OR m.client_id::text = lower(n.data->>'client_id'))) o ON true
     WHERE d.tenant_id = $1 AND d.id = ANY ($2) AND d.lease_token = $3 AND d.status IN ('queued', 'sending')
       FOR UPDATE OF d";

/// Loads and locks the deliveries of `ids` that still have the lease token `token`.
pub fn load_claimed(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    ids: Vec<Uuid>,
    token: Uuid,
) -> Result<Vec<DeliveryContext>> {
    Ok(sql(LOAD).bind(tenant).bind(ids).bind(token).load(tx.conn())?)
}
