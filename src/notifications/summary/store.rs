//! Feeds with held notifications, and what a summary changes in them.

use chrono::NaiveTime;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text, Time, Timestamptz, Uuid as SqlUuid};
use guichet_base::id::{TenantId, UserId};
use guichet_base::{Result, Timestamp};
use guichet_db::sql::sql;
use guichet_db::{SystemTx, WorkerTx};
use guichet_realtime::Event;
use serde_json::json;
use uuid::Uuid;

use crate::notifications::model::DELIVERY_DEADLINE;
use crate::preferences::QuietHours;

#[derive(QueryableByName)]
struct DueSummary {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: TenantId,
    #[diesel(sql_type = SqlUuid)]
    user_id: UserId,
}

const DUE_SUMMARIES: &str = "SELECT tenant_id, user_id FROM (SELECT tenant_id, user_id FROM notification_feeds \
    WHERE summary_due_at <= $1 AND user_id <> ALL ($3) ORDER BY summary_due_at LIMIT $2) due ORDER BY tenant_id, user_id";

/// People whose summary is due, by tenant, except those already tried.
pub fn due_summaries(
    tx: &mut WorkerTx<'_>,
    now: Timestamp,
    limit: i64,
    tried: Vec<Uuid>,
) -> Result<Vec<(TenantId, UserId)>> {
    let rows: Vec<DueSummary> = sql(DUE_SUMMARIES).bind(now).bind(limit).bind(tried).load(tx.conn())?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.user_id)).collect())
}

/// A person with held notifications and their locked feed.
#[derive(QueryableByName)]
pub struct ThrottledPerson {
    #[diesel(sql_type = SqlUuid)]
    pub user_id: UserId,
    #[diesel(sql_type = BigInt)]
    pub head: i64,
    #[diesel(sql_type = Integer)]
    pub held: i32,
    #[diesel(sql_type = Timestamptz)]
    pub held_since: Timestamp,
    #[diesel(sql_type = Text)]
    pub locale: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub email: Option<String>,
    /// Whether the throttle also withheld an email.
    #[diesel(sql_type = Bool)]
    pub has_mail: bool,
    #[diesel(sql_type = Nullable<Time>)]
    quiet_from: Option<NaiveTime>,
    #[diesel(sql_type = Nullable<Time>)]
    quiet_to: Option<NaiveTime>,
    /// The timezone of the quiet hours, or else of the person.
    #[diesel(sql_type = Text)]
    timezone: String,
}

impl ThrottledPerson {
    pub fn quiet_hours(&self) -> Option<QuietHours> {
        QuietHours::from_row(self.quiet_from, self.quiet_to, &self.timezone)
    }
}

// Feeds that another process has locked are skipped; feeds whose summary it has sent are no longer due.
const LOCK_DUE_FEEDS: &str = "SELECT f.user_id, f.head, f.held, f.held_since, u.locale, u.email, EXISTS ( \
        SELECT FROM notifications n WHERE n.tenant_id = $1 AND n.recipient_id = f.user_id AND n.processed_at IS NULL \
           AND n.decision #>> '{email,rule}' = 'throttle') AS has_mail, \
        s.quiet_from, s.quiet_to, coalesce(s.quiet_timezone, u.timezone) AS timezone \
    FROM notification_feeds f JOIN users u ON u.tenant_id = f.tenant_id AND u.id = f.user_id \
    LEFT JOIN notification_settings s ON s.tenant_id = f.tenant_id AND s.user_id = f.user_id \
    WHERE f.tenant_id = $1 AND f.user_id = ANY ($2) AND f.summary_due_at <= $3 \
    ORDER BY f.user_id FOR UPDATE OF f SKIP LOCKED";

pub fn lock_due_feeds(
    sys: &mut SystemTx<'_>,
    tenant: TenantId,
    people: &[UserId],
    now: Timestamp,
) -> Result<Vec<ThrottledPerson>> {
    let people: Vec<Uuid> = people.iter().map(|user| user.0).collect();
    Ok(sql(LOCK_DUE_FEEDS).bind(tenant).bind(people).bind(now).load(sys.conn())?)
}

/// A mail with the number of held notifications.
pub struct SummaryMail {
    pub user: UserId,
    pub address: String,
    pub subject: String,
    pub text: String,
    /// The end of the person's quiet hours, or now.
    pub not_before: Timestamp,
}

// A summary counts for the throttle. Every person gets a summary event, even if none of the held notifications is
// visible.
const WRITE_SUMMARIES: &str = "
    WITH feed AS (
        UPDATE notification_feeds f SET head = f.head + 1, held = 0, held_since = NULL, summary_due_at = NULL,
               pushes = ARRAY(SELECT at FROM unnest(f.pushes) at WHERE at > $2::timestamptz - interval '60 seconds' ORDER BY at) || $2::timestamptz
         WHERE f.tenant_id = $1 AND f.user_id = ANY ($3)),
    announced AS (
        UPDATE notifications n SET processed_at = $2, changed_seq = e.seq FROM unnest($8::uuid[], $9::bigint[]) AS e (user_id, seq)
         WHERE n.tenant_id = $1 AND n.recipient_id = e.user_id AND n.processed_at IS NULL),
    sent AS (
        INSERT INTO deliveries (tenant_id, id, user_id, channel, type, to_address, lane, rendered, next_attempt_at, deadline_at,
            created_at, updated_at)
        SELECT $1, d.id, d.user_id, 'email', 'notify.summary', d.address, 1, d.rendered::jsonb, to_timestamp(d.next / 1000.0),
               to_timestamp(d.next / 1000.0) + make_interval(secs => $13), $2, $2
          FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::text[], $12::bigint[]) AS d (id, user_id, address, rendered, next))
    INSERT INTO outbox (tenant_id, topic, seq, id, event, payload, fanout, user_ids)
    SELECT $1, 'client:notifications:' || e.user_id, e.seq, e.id, 'notify:summary', e.payload::json, '{}', ARRAY[e.user_id]
      FROM unnest($8::uuid[], $9::bigint[], $10::uuid[], $11::text[]) AS e (user_id, seq, id, payload)";

pub fn write_summaries(
    sys: &mut SystemTx<'_>,
    tenant: TenantId,
    (held, events, mails): (&[ThrottledPerson], &[Event], &[SummaryMail]),
    now: Timestamp,
) -> Result<()> {
    let people: Vec<Uuid> = held.iter().map(|one| one.user_id.0).collect();
    let rendered = |mail: &SummaryMail| json!({"subject": mail.subject, "text": mail.text}).to_string();
    sql(WRITE_SUMMARIES)
        .bind(tenant)
        .bind(now)
        .bind(people.clone())
        .bind(mails.iter().map(|_| Uuid::now_v7()).collect::<Vec<_>>())
        .bind(mails.iter().map(|mail| mail.user.0).collect::<Vec<_>>())
        .bind(mails.iter().map(|mail| mail.address.clone()).collect::<Vec<_>>())
        .bind(mails.iter().map(rendered).collect::<Vec<_>>())
        .bind(people)
        .bind(events.iter().map(|event| event.seq).collect::<Vec<i64>>())
        .bind(events.iter().map(|event| event.id).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.payload.get().to_owned()).collect::<Vec<_>>())
        .bind(mails.iter().map(|mail| mail.not_before.as_millis()).collect::<Vec<i64>>())
        .bind(DELIVERY_DEADLINE.as_secs_f64())
        .execute(sys.conn())?;
    Ok(())
}
