//! Finds inconsistencies and repairs them.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Uuid as SqlUuid};
use uuid::Uuid;

use guichet_base::id::{TenantId, UserId};
use guichet_base::{Result, Timestamp};
use guichet_db::SystemTx;
use guichet_db::sql::sql;

const HOLD_UNPUBLISHED: &str = "
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

/// Adds unpublished notifications from before `before` to the next summary. Returns the number of people.
pub fn hold_unpublished(
    sys: &mut SystemTx<'_>,
    tenant: TenantId,
    before: Timestamp,
    now: Timestamp,
) -> Result<usize> {
    Ok(sql(HOLD_UNPUBLISHED).bind(tenant).bind(before).bind(now).execute(sys.conn())?)
}

#[derive(Debug, QueryableByName)]
pub struct Miscount {
    #[diesel(sql_type = SqlUuid)]
    pub user_id: UserId,
    #[diesel(sql_type = BigInt)]
    pub head: i64,
    #[diesel(sql_type = Integer)]
    unread: i32,
    #[diesel(sql_type = Integer)]
    pub counted: i32,
}

impl Miscount {
    fn is_wrong(&self) -> bool {
        self.unread != self.counted
    }
}

const LOCK_FEEDS: &str = "SELECT user_id FROM notification_feeds WHERE tenant_id = $1 AND user_id = ANY ($2) ORDER BY user_id FOR UPDATE";

// Counts the unread notifications of each feed in the CTE `f`.
const COUNT_UNREAD: &str = "SELECT f.user_id, f.head, f.unread, c.counted FROM f, LATERAL (
        SELECT count(*)::int AS counted FROM notifications n
         WHERE n.tenant_id = $1 AND n.recipient_id = f.user_id AND n.visible AND n.status = 'unread'
           AND n.deleted_at IS NULL AND n.snoozed_until IS NULL) c ORDER BY f.user_id";

/// Checks the next `limit` feeds after `after`. Returns the last one, if any, and the owners of feeds with a wrong
/// counter.
pub fn find_miscounted(
    sys: &mut SystemTx<'_>,
    tenant: TenantId,
    after: Uuid,
    limit: i64,
) -> Result<(Option<Uuid>, Vec<Uuid>)> {
    let text = format!(
        "WITH f AS (SELECT user_id, head, unread FROM notification_feeds WHERE tenant_id = $1 AND user_id > $2 \
         ORDER BY user_id LIMIT $3) {COUNT_UNREAD}"
    );
    let rows: Vec<Miscount> = sql(text).bind(tenant).bind(after).bind(limit).load(sys.conn())?;
    let last = rows.last().map(|row| row.user_id.0);
    Ok((last, rows.iter().filter(|row| row.is_wrong()).map(|row| row.user_id.0).collect()))
}

/// Locks the feeds of these people and returns those whose counter is still wrong.
pub fn lock_miscounted(sys: &mut SystemTx<'_>, tenant: TenantId, people: &[Uuid]) -> Result<Vec<Miscount>> {
    sql(LOCK_FEEDS).bind(tenant).bind(people.to_vec()).execute(sys.conn())?;
    let text = format!(
        "WITH f AS (SELECT user_id, head, unread FROM notification_feeds WHERE tenant_id = $1 AND user_id = ANY ($2)) {COUNT_UNREAD}"
    );
    let rows: Vec<Miscount> = sql(text).bind(tenant).bind(people.to_vec()).load(sys.conn())?;
    Ok(rows.into_iter().filter(Miscount::is_wrong).collect())
}

const CORRECT_COUNTERS: &str = "
    WITH feed AS (
        UPDATE notification_feeds f SET unread = c.counted, head = f.head + 1
          FROM unnest($2::uuid[], $3::int[]) AS c (user_id, counted)
         WHERE f.tenant_id = $1 AND f.user_id = c.user_id)
    INSERT INTO outbox (tenant_id, topic, seq, id, event, payload, fanout, user_ids)
    SELECT $1, 'client:notifications:' || e.user_id, e.seq, e.id, 'notify:unread', e.payload::json, '{}', ARRAY[e.user_id]
      FROM unnest($4::uuid[], $5::bigint[], $6::uuid[], $7::text[]) AS e (user_id, seq, id, payload)";

/// Corrects the counters and publishes them. The feeds must be locked.
pub fn correct_counters(
    sys: &mut SystemTx<'_>,
    tenant: TenantId,
    wrong: &[Miscount],
    events: &[guichet_realtime::Event],
) -> Result<()> {
    let people: Vec<Uuid> = wrong.iter().map(|one| one.user_id.0).collect();
    sql(CORRECT_COUNTERS)
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
