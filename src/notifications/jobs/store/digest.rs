//! The notifications for a person's digest, and the mail that contains them.

use chrono::NaiveTime;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer, Jsonb, Nullable, Text, Time, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use guichet_base::id::{DeliveryId, NotificationId, TenantId, UserId};
use guichet_base::{Result, Timestamp};
use guichet_db::sql::sql;
use guichet_db::{Tx, WorkerTx};

use crate::notifications::model::DELIVERY_DEADLINE;

#[derive(QueryableByName)]
struct DueDigest {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: TenantId,
    #[diesel(sql_type = SqlUuid)]
    user_id: UserId,
}

const DUE_DIGESTS: &str = "SELECT tenant_id, user_id FROM notification_settings WHERE digest_due_at <= $1 \
    AND user_id <> ALL ($3) ORDER BY digest_due_at LIMIT $2";

/// People whose digest is due, longest waiting first, except those that failed.
pub fn due_digests(
    tx: &mut WorkerTx<'_>,
    now: Timestamp,
    limit: i64,
    failed: Vec<Uuid>,
) -> Result<Vec<(TenantId, UserId)>> {
    let rows: Vec<DueDigest> = sql(DUE_DIGESTS).bind(now).bind(limit).bind(failed).load(tx.conn())?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.user_id)).collect())
}

/// Locks the person's feed, under which all changes of their notifications happen.
pub fn lock_feed(tx: &mut Tx<'_>, tenant: TenantId, user: UserId) -> Result<()> {
    let text = "SELECT FROM notification_feeds WHERE tenant_id = $1 AND user_id = $2 FOR UPDATE";
    sql(text).bind(tenant).bind(user).execute(tx.conn())?;
    Ok(())
}

/// A person whose digest is due.
#[derive(QueryableByName)]
pub struct DigestRecipient {
    #[diesel(sql_type = Text)]
    pub mode: String,
    #[diesel(sql_type = Integer)]
    pub hour: i32,
    /// The timezone of the digest, or else of the person.
    #[diesel(sql_type = Text)]
    pub timezone: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub email: Option<String>,
    #[diesel(sql_type = Text)]
    pub locale: String,
    #[diesel(sql_type = Bool)]
    pub is_gone: bool,
    #[diesel(sql_type = Nullable<Time>)]
    pub quiet_from: Option<NaiveTime>,
    #[diesel(sql_type = Nullable<Time>)]
    pub quiet_to: Option<NaiveTime>,
    #[diesel(sql_type = Nullable<Text>)]
    pub quiet_timezone: Option<String>,
    /// The tenant's settings.
    #[diesel(sql_type = Jsonb)]
    pub settings: Value,
}

const DIGEST_RECIPIENT: &str = "
    SELECT s.digest_mode AS mode, s.digest_hour AS hour, coalesce(s.digest_timezone, u.timezone) AS timezone, u.email, u.locale,
           u.deleted_at IS NOT NULL AS is_gone, s.quiet_from, s.quiet_to, s.quiet_timezone, t.settings
      FROM notification_settings s
      JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
      JOIN tenants t ON t.id = s.tenant_id
     WHERE s.tenant_id = $1 AND s.user_id = $2 AND s.digest_due_at <= $3 FOR UPDATE OF s";

/// Locks and reads the person's digest settings. `None` if no digest is due any more: already sent, or turned off.
pub fn lock_recipient(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    user: UserId,
    now: Timestamp,
) -> Result<Option<DigestRecipient>> {
    Ok(sql(DIGEST_RECIPIENT).bind(tenant).bind(user).bind(now).get_result(tx.conn()).optional()?)
}

/// A notification to include in a digest, with the choices that decide whether it is still wanted.
#[derive(Debug, Clone, QueryableByName)]
pub struct PendingDigestItem {
    #[diesel(sql_type = SqlUuid)]
    pub id: NotificationId,
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = Text)]
    pub category: String,
    #[diesel(sql_type = Text)]
    pub title: String,
    #[diesel(sql_type = Text)]
    pub body: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub link: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: Timestamp,
    #[diesel(sql_type = Nullable<Bool>)]
    pub own: Option<bool>,
    #[diesel(sql_type = Nullable<Bool>)]
    pub over: Option<bool>,
}

// Same overrides as in the pipeline: of the client that the event is about, else of all of the person's clients.
const PENDING_ITEMS: &str = "
    SELECT n.id, n.type AS kind, n.category::text AS category, n.title, n.body, n.link, n.created_at, p.channel_email AS own, o.email AS over
      FROM notifications n
      LEFT JOIN notification_preferences p ON p.tenant_id = n.tenant_id AND p.user_id = n.recipient_id AND p.category = n.category
      LEFT JOIN LATERAL (
            SELECT bool_and(v.channel_email) AS email
              FROM client_members m JOIN notification_overrides v ON v.tenant_id = m.tenant_id AND v.client_id = m.client_id
             WHERE n.recipient_type = 'client' AND m.tenant_id = n.tenant_id AND m.user_id = n.recipient_id AND v.category = n.category
               AND (n.data->>'client_id' IS NULL OR m.client_id::text = lower(n.data->>'client_id'))) o ON true
     WHERE n.tenant_id = $1 AND n.recipient_id = $2 AND n.in_digest AND n.digest_id IS NULL AND n.status = 'unread'
       AND n.deleted_at IS NULL AND n.snoozed_until IS NULL AND (n.expires_at IS NULL OR n.expires_at > $3)
     ORDER BY n.last_event_at DESC, n.id DESC LIMIT $4";

/// The newest notifications for the digest: unread, not snoozed, not expired.
pub fn pending_items(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    user: UserId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<PendingDigestItem>> {
    Ok(sql(PENDING_ITEMS).bind(tenant).bind(user).bind(now).bind(limit).load(tx.conn())?)
}

/// A digest mail to write.
pub struct DigestMail {
    pub digest: Uuid,
    pub delivery: DeliveryId,
    pub address: String,
    pub rendered: Value,
    pub excerpt: String,
    pub not_before: Timestamp,
    pub items: Vec<NotificationId>,
}

const INSERT_MAIL: &str = "
    WITH taken AS (
        UPDATE notifications SET digest_id = $3 WHERE tenant_id = $1 AND recipient_id = $2 AND id = ANY ($4)),
    sent AS (
        INSERT INTO deliveries (tenant_id, id, user_id, channel, type, to_address, lane, rendered, payload_excerpt, next_attempt_at,
            deadline_at, created_at, updated_at)
        VALUES ($1, $5, $2, 'email', 'digest', $6, 1, $7, $8, $9, $9 + make_interval(secs => $12), $10, $10))
    INSERT INTO digests (tenant_id, id, user_id, delivery_id, items, created_at) VALUES ($1, $3, $2, $5, $11, $10)";

/// Writes the email as a delivery and records the digest on its notifications.
pub fn insert_mail(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    user: UserId,
    mail: &DigestMail,
    now: Timestamp,
) -> Result<()> {
    sql(INSERT_MAIL)
        .bind(tenant)
        .bind(user)
        .bind(mail.digest)
        .bind(mail.items.iter().map(|id| id.0).collect::<Vec<_>>())
        .bind(mail.delivery)
        .bind(mail.address.as_str())
        .bind(Some(mail.rendered.clone()))
        .bind(mail.excerpt.as_str())
        .bind(mail.not_before)
        .bind(now)
        .bind(i32::try_from(mail.items.len()).unwrap_or(i32::MAX))
        .bind(DELIVERY_DEADLINE.as_secs_f64())
        .execute(tx.conn())?;
    Ok(())
}

const FINISH: &str = "
    WITH dropped AS (
        UPDATE notifications SET in_digest = false
         WHERE tenant_id = $1 AND recipient_id = $2 AND in_digest AND digest_id IS NULL
           AND (status <> 'unread' OR deleted_at IS NOT NULL OR expires_at <= $3 OR id = ANY ($4)))
    UPDATE notification_settings SET digest_due_at = $5 WHERE tenant_id = $1 AND user_id = $2";

/// Removes notifications from the digest that need no email (read, deleted, expired or `unwanted`); sets the due time.
pub fn finish(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    user: UserId,
    unwanted: &[NotificationId],
    (now, next): (Timestamp, Timestamp),
) -> Result<()> {
    let unwanted: Vec<Uuid> = unwanted.iter().map(|id| id.0).collect();
    sql(FINISH).bind(tenant).bind(user).bind(now).bind(unwanted).bind(next).execute(tx.conn())?;
    Ok(())
}
