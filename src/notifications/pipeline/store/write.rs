//! Writes the effects of an event on a segment of people in one statement: feeds, notifications, deliveries, socket
//! events, and skipped recipients with reasons.

use diesel::prelude::*;
use guichet_base::id::{EventId, TenantId, UserId};
use guichet_base::role::UserType;
use guichet_base::{Error, Result, Timestamp};
use guichet_db::SystemTx;
use guichet_db::sql::{Bind, sql};
use guichet_realtime::Event;
use serde_json::Value;
use uuid::Uuid;

use super::raise::GroupUpdate;
use crate::notifications::events::model::Plan;
use crate::notifications::model::DELIVERY_DEADLINE;
use crate::preferences::{Channel, Decision};

/// A notification to insert.
pub struct NewNotification {
    pub id: Uuid,
    pub user: UserId,
    pub user_type: UserType,
    /// Index of its text in [`Batch::texts`].
    pub text: usize,
    /// The sequence number in the feed; 0 for a hidden notification.
    pub seq: i64,
    pub visible: bool,
    /// Whether it counts for the throttle.
    pub counts_for_throttle: bool,
    pub held: bool,
    /// When the summary is due, for the first held notification.
    pub summary_due_at: Timestamp,
    pub in_digest: bool,
    pub decision: Decision,
}

/// One text, shared by all recipients with the same language and user type.
pub struct RenderedText {
    pub title: String,
    pub body: String,
    pub link: Option<String>,
    pub data: Value,
}

pub struct NewDelivery {
    pub notification: Uuid,
    pub user: UserId,
    pub channel: Channel,
    pub to_address: String,
    pub next_attempt_at: Timestamp,
}

/// The rows that one statement writes for a segment.
pub struct Batch<'a> {
    pub event: EventId,
    pub plan: &'a Plan,
    pub group_key: Option<&'a str>,
    pub now: Timestamp,
    pub texts: Vec<RenderedText>,
    pub new_notifications: Vec<NewNotification>,
    pub updates: Vec<GroupUpdate>,
    pub deliveries: Vec<NewDelivery>,
    pub skips: Vec<(UserId, Decision)>,
    pub events: Vec<(UserId, Event)>,
}

// The parts of the statement, each included only if it has rows: PostgreSQL plans and starts every part of the text,
// whether or not it has rows to process, and most events are one notification for one person.
const TEXTS: &str = "said AS (
        SELECT * FROM unnest($2::int[], $3::text[], $4::text[], $5::text[], $6::text[]) AS s (text, title, body, link, data))";
const NEW_ROWS: &str = "person AS (
        SELECT * FROM unnest($7::uuid[], $8::uuid[], $9::text[], $10::int[], $11::bigint[], $12::bool[], $13::bool[], $14::bool[],
            $15::bigint[], $16::bool[], $17::text[])
          AS p (id, user_id, side, text, seq, visible, pushed, held, due, in_digest, decision))";
const UPDATED_ROWS: &str = "again AS (
        SELECT * FROM unnest($18::uuid[], $19::uuid[], $20::int[], $21::bigint[], $22::bool[], $23::bool[], $24::bigint[], $25::bigint[], $26::bool[], $50::text[])
          AS r (id, user_id, text, seq, pushed, held, due, count, woken, decision))";
const FEED_CHANGES_OF_NEW: &str =
    "SELECT user_id, (seq > 0)::int AS told, visible::int AS unread, pushed, held, due FROM person";
const FEED_CHANGES_OF_UPDATED: &str =
    "SELECT user_id, (seq > 0)::int AS told, woken::int AS unread, pushed, held, due FROM again";
const UPDATE_FEEDS: &str = "feed AS (
        UPDATE notification_feeds f SET head = f.head + m.told, unread = f.unread + m.unread,
               pushes = CASE WHEN m.pushed THEN ARRAY(SELECT at FROM unnest(f.pushes) at WHERE at > $27::timestamptz - interval '60 seconds' ORDER BY at)
                             || $27::timestamptz ELSE f.pushes END,
               held = f.held + m.held::int,
               held_since = CASE WHEN m.held THEN coalesce(f.held_since, $27) ELSE f.held_since END,
               summary_due_at = CASE WHEN m.held THEN coalesce(f.summary_due_at, to_timestamp(m.due / 1000.0)) ELSE f.summary_due_at END";
const INSERT_NOTIFICATIONS: &str = "written AS (
        INSERT INTO notifications (tenant_id, id, recipient_type, recipient_id, team_id, seq, changed_seq, event_id, type, category,
            title, body, link, data, priority, channel, visible, decision, group_key, in_digest, last_event_at, expires_at, processed_at,
            created_at, updated_at)
        SELECT $1, p.id, p.side, p.user_id, $28, p.seq, p.seq, $29, $30, $31, s.title, s.body, s.link, s.data::jsonb, $32, $33, p.visible,
               p.decision::jsonb, $34, p.in_digest, $27, $35, CASE WHEN p.held THEN NULL ELSE $27 END, $27, $27
          FROM person p JOIN said s USING (text))";
const UPDATE_NOTIFICATIONS: &str = "raised AS (
        UPDATE notifications n SET changed_seq = CASE WHEN a.seq > 0 THEN a.seq ELSE n.changed_seq END, event_id = $29, title = s.title,
               body = s.body, link = s.link, data = s.data::jsonb || jsonb_build_object('count', a.count), last_event_at = $27,
               snoozed_until = NULL, expires_at = $35, decision = a.decision::jsonb,
               processed_at = CASE WHEN a.held THEN NULL ELSE n.processed_at END, updated_at = $27
          FROM again a JOIN said s USING (text)
         WHERE n.tenant_id = $1 AND n.id = a.id)";
const INSERT_DELIVERIES: &str = "sent AS (
        INSERT INTO deliveries (tenant_id, id, notification_id, event_id, user_id, channel, type, to_address, lane, next_attempt_at, deadline_at,
            created_at, updated_at)
        SELECT $1, d.id, d.notification, $29, d.user_id, d.channel, $30, d.address, $36, to_timestamp(d.next / 1000.0),
               to_timestamp(d.next / 1000.0) + make_interval(secs => $51), $27, $27
          FROM unnest($37::uuid[], $38::uuid[], $39::uuid[], $40::text[], $41::text[], $42::bigint[])
            AS d (id, notification, user_id, channel, address, next)
        ON CONFLICT ON CONSTRAINT deliveries_once DO NOTHING)";
const INSERT_SKIPS: &str = "skipped AS (
        INSERT INTO notification_skips (tenant_id, event_id, user_id, decision, created_at)
        SELECT $1, $29, k.user_id, k.decision::jsonb, $27 FROM unnest($43::uuid[], $44::text[]) AS k (user_id, decision))";
const INSERT_OUTBOX: &str = "
    INSERT INTO outbox (tenant_id, topic, seq, id, event, payload, fanout, user_ids)
    SELECT $1, 'client:notifications:' || e.user_id, e.seq, e.id, e.event, e.payload::json, '{}', ARRAY[e.user_id]
      FROM unnest($45::uuid[], $46::bigint[], $47::uuid[], $48::text[], $49::text[]) AS e (user_id, seq, id, event, payload)";

fn batch_sql(batch: &Batch<'_>) -> String {
    let (mut parts, mut feed_changes) = (Vec::new(), Vec::new());
    if !batch.new_notifications.is_empty() {
        parts.extend([NEW_ROWS, INSERT_NOTIFICATIONS]);
        feed_changes.push(FEED_CHANGES_OF_NEW);
    }
    if !batch.updates.is_empty() {
        parts.extend([UPDATED_ROWS, UPDATE_NOTIFICATIONS]);
        feed_changes.push(FEED_CHANGES_OF_UPDATED);
    }
    let feed = format!(
        "{UPDATE_FEEDS} FROM ({}) m WHERE f.tenant_id = $1 AND f.user_id = m.user_id)",
        feed_changes.join(" UNION ALL ")
    );
    if !feed_changes.is_empty() {
        parts.insert(0, TEXTS);
        parts.push(&feed);
    }
    if !batch.deliveries.is_empty() {
        parts.push(INSERT_DELIVERIES);
    }
    if !batch.skips.is_empty() {
        parts.push(INSERT_SKIPS);
    }
    let with = if parts.is_empty() { "" } else { "WITH " };
    format!("{with}{}{INSERT_OUTBOX}", parts.join(",\n    "))
}

/// Writes a batch in one statement. The feeds of all people in the batch must be locked.
pub fn write_batch(sys: &mut SystemTx<'_>, tenant: TenantId, batch: &Batch<'_>) -> Result<()> {
    let plan = batch.plan;
    let texts = &batch.texts;
    let index = |at: usize| i32::try_from(at).unwrap_or(i32::MAX);
    let rows = &batch.new_notifications;
    let raised = &batch.updates;
    let lane = crate::notifications::pipeline::lane(plan);
    sql(batch_sql(batch))
        .bind(tenant)
        .bind((0..texts.len()).map(index).collect::<Vec<i32>>())
        .bind(texts.iter().map(|said| said.title.clone()).collect::<Vec<_>>())
        .bind(texts.iter().map(|said| said.body.clone()).collect::<Vec<_>>())
        .bind(Bind::NullableTexts(texts.iter().map(|said| said.link.clone()).collect()))
        .bind(texts.iter().map(|said| said.data.to_string()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.user.0).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.user_type.into_str().to_owned()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| index(row.text)).collect::<Vec<i32>>())
        .bind(rows.iter().map(|row| row.seq).collect::<Vec<i64>>())
        .bind(rows.iter().map(|row| row.visible).collect::<Vec<bool>>())
        .bind(rows.iter().map(|row| row.counts_for_throttle).collect::<Vec<bool>>())
        .bind(rows.iter().map(|row| row.held).collect::<Vec<bool>>())
        .bind(rows.iter().map(|row| row.summary_due_at.as_millis()).collect::<Vec<i64>>())
        .bind(rows.iter().map(|row| row.in_digest).collect::<Vec<bool>>())
        .bind(rows.iter().map(|row| json(&row.decision)).collect::<Result<Vec<_>>>()?)
        .bind(raised.iter().map(|one| one.existing.id.0).collect::<Vec<_>>())
        .bind(raised.iter().map(|one| one.user.0).collect::<Vec<_>>())
        .bind(raised.iter().map(|one| index(one.text)).collect::<Vec<i32>>())
        .bind(raised.iter().map(|one| one.seq).collect::<Vec<i64>>())
        .bind(raised.iter().map(|one| one.pushed).collect::<Vec<bool>>())
        .bind(raised.iter().map(|one| one.held).collect::<Vec<bool>>())
        .bind(raised.iter().map(|one| one.summary_due_at.as_millis()).collect::<Vec<i64>>())
        .bind(raised.iter().map(|one| one.count).collect::<Vec<i64>>())
        .bind(raised.iter().map(GroupUpdate::ends_snooze).collect::<Vec<bool>>())
        .bind(batch.now)
        .bind(plan.team)
        .bind(batch.event)
        .bind(plan.code.as_str())
        .bind(plan.category.into_str())
        .bind(plan.priority.into_str())
        .bind(plan.prefers.into_str())
        .bind(batch.group_key.map(str::to_owned))
        .bind(plan.expires_at)
        .bind(lane)
        .bind(batch.deliveries.iter().map(|_| Uuid::now_v7()).collect::<Vec<_>>())
        .bind(batch.deliveries.iter().map(|one| one.notification).collect::<Vec<_>>())
        .bind(batch.deliveries.iter().map(|one| one.user.0).collect::<Vec<_>>())
        .bind(batch.deliveries.iter().map(|one| one.channel.into_str().to_owned()).collect::<Vec<_>>())
        .bind(batch.deliveries.iter().map(|one| one.to_address.clone()).collect::<Vec<_>>())
        .bind(batch.deliveries.iter().map(|one| one.next_attempt_at.as_millis()).collect::<Vec<i64>>())
        .bind(batch.skips.iter().map(|(user, _)| user.0).collect::<Vec<_>>())
        .bind(batch.skips.iter().map(|(_, decision)| json(decision)).collect::<Result<Vec<_>>>()?)
        .bind(batch.events.iter().map(|(user, _)| user.0).collect::<Vec<_>>())
        .bind(batch.events.iter().map(|(_, event)| event.seq).collect::<Vec<i64>>())
        .bind(batch.events.iter().map(|(_, event)| event.id).collect::<Vec<_>>())
        .bind(batch.events.iter().map(|(_, event)| event.name.to_string()).collect::<Vec<_>>())
        .bind(batch.events.iter().map(|(_, event)| event.payload.get().to_owned()).collect::<Vec<_>>())
        .bind(raised.iter().map(|one| json(&one.decision)).collect::<Result<Vec<_>>>()?)
        .bind(DELIVERY_DEADLINE.as_secs_f64())
        .execute(sys.conn())?;
    Ok(())
}

fn json(decision: &Decision) -> Result<String> {
    serde_json::to_string(decision).map_err(Error::internal)
}
