//! Finding what should not be, and putting it right.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Uuid as SqlUuid};
use uuid::Uuid;

use crate::base::id::{TenantId, UserId};
use crate::base::{Result, Timestamp};
use crate::db::sql::sql;
use crate::db::{SystemTx, WorkerTx};

// What is put right is due, and so not found again.
const REQUEUE: &str = "
    UPDATE deliveries d SET next_attempt_at = $1, updated_at = $1
      FROM (SELECT tenant_id, id FROM deliveries WHERE status = 'sending' AND lease_until < $1 AND next_attempt_at > $1
             LIMIT $2 FOR UPDATE SKIP LOCKED) stuck
     WHERE d.tenant_id = stuck.tenant_id AND d.id = stuck.id";

/// Deliveries whose sender is gone are due at once: the claim decides whether a repeat is harmless.
pub fn requeue(tx: &mut WorkerTx<'_>, now: Timestamp, limit: i64) -> Result<usize> {
    Ok(sql(REQUEUE).bind(now).bind(limit).execute(tx.conn())?)
}

const HOLD: &str = "
    WITH untold AS (
        SELECT recipient_id, count(*)::int AS number, min(created_at) AS since FROM notifications
         WHERE tenant_id = $1 AND processed_at IS NULL AND created_at < $2 AND visible AND deleted_at IS NULL
         GROUP BY recipient_id),
    feed AS (
        SELECT f.user_id FROM notification_feeds f JOIN untold u ON u.recipient_id = f.user_id
         WHERE f.tenant_id = $1 AND f.held = 0 ORDER BY f.user_id FOR UPDATE OF f)
    UPDATE notification_feeds f SET held = u.number, held_since = u.since, summary_due_at = $3
      FROM feed l JOIN untold u ON u.recipient_id = l.user_id
     WHERE f.tenant_id = $1 AND f.user_id = l.user_id AND f.held = 0";

/// Puts what was written before `before`, and of which nobody was told, among what a summary will say.
pub fn hold_untold(
    sys: &mut SystemTx<'_>,
    tenant: TenantId,
    before: Timestamp,
    now: Timestamp,
) -> Result<usize> {
    Ok(sql(HOLD).bind(tenant).bind(before).bind(now).execute(sys.conn())?)
}

#[derive(Debug, QueryableByName)]
pub struct Miscount {
    #[diesel(sql_type = SqlUuid)]
    pub user_id: UserId,
    #[diesel(sql_type = BigInt)]
    pub head: i64,
    #[diesel(sql_type = Integer)]
    pub counted: i32,
}

const LOCK: &str = "SELECT user_id FROM notification_feeds WHERE tenant_id = $1 AND user_id = ANY ($2) ORDER BY user_id FOR UPDATE";

const COUNTED: &str = "
    SELECT f.user_id, f.head, c.counted FROM notification_feeds f, LATERAL (
            SELECT count(*)::int AS counted FROM notifications n
             WHERE n.tenant_id = f.tenant_id AND n.recipient_id = f.user_id AND n.visible AND n.status = 'unread'
               AND n.deleted_at IS NULL AND n.snoozed_until IS NULL) c
     WHERE f.tenant_id = $1 AND f.unread <> c.counted";

/// Feeds whose counter is not what it counts: those after `after`.
pub fn suspects(sys: &mut SystemTx<'_>, tenant: TenantId, after: Uuid, limit: i64) -> Result<Vec<Miscount>> {
    let text = format!("{COUNTED} AND f.user_id > $2 ORDER BY f.user_id LIMIT $3");
    Ok(sql(text).bind(tenant).bind(after).bind(limit).load(sys.conn())?)
}

/// The same, of these people, under the lock of their feeds: nothing is between reading and writing.
pub fn miscounts(sys: &mut SystemTx<'_>, tenant: TenantId, people: &[Uuid]) -> Result<Vec<Miscount>> {
    sql(LOCK).bind(tenant).bind(people.to_vec()).execute(sys.conn())?;
    let text = format!("{COUNTED} AND f.user_id = ANY ($2) ORDER BY f.user_id");
    Ok(sql(text).bind(tenant).bind(people.to_vec()).load(sys.conn())?)
}

const RECOUNT: &str = "
    WITH feed AS (
        UPDATE notification_feeds f SET unread = c.counted, head = f.head + 1
          FROM unnest($2::uuid[], $3::int[]) AS c (user_id, counted)
         WHERE f.tenant_id = $1 AND f.user_id = c.user_id)
    INSERT INTO outbox (tenant_id, topic, seq, id, event, payload, fanout, user_ids)
    SELECT $1, 'client:notifications:' || e.user_id, e.seq, e.id, 'notify:unread', e.payload::json, '{}', ARRAY[e.user_id]
      FROM unnest($4::uuid[], $5::bigint[], $6::uuid[], $7::text[]) AS e (user_id, seq, id, payload)";

/// Sets the counters right, and tells of it. Their feeds are locked.
pub fn recount(
    sys: &mut SystemTx<'_>,
    tenant: TenantId,
    wrong: &[Miscount],
    events: &[crate::realtime::Event],
) -> Result<()> {
    let people: Vec<Uuid> = wrong.iter().map(|one| one.user_id.0).collect();
    sql(RECOUNT)
        .bind(tenant)
        .bind(people.clone())
        .bind(wrong.iter().map(|one| one.counted).collect::<Vec<i32>>())
        .bind(people)
        .bind(events.iter().map(|event| event.seq).collect::<Vec<i64>>())
        .bind(events.iter().map(|event| event.id).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.payload.get().to_owned()).collect::<Vec<_>>())
        .execute(sys.conn())?;
    Ok(())
}
