//! Queries on a person's feed for sockets.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Json, Jsonb};
use guichet_base::id::{NotificationId, TenantId, UserId};
use guichet_base::{Error, Result, Timestamp};
use guichet_db::sql::sql;
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::notifications::model::Notification;

/// A feed: sequence number, counter and newest unread notifications, of one snapshot.
pub struct FeedHead {
    pub head: i64,
    /// Number of all unread notifications, including those not in `waiting`.
    pub unread: i64,
    /// Ordered by number.
    pub waiting: Vec<UnreadNotification>,
}

#[derive(Deserialize)]
pub struct UnreadNotification {
    /// The id of its `notify:new` event, if the outbox still has it.
    pub told: Option<Uuid>,
    #[serde(flatten)]
    pub notification: Notification,
}

#[derive(QueryableByName)]
struct FeedHeadRow {
    #[diesel(sql_type = BigInt)]
    head: i64,
    #[diesel(sql_type = BigInt)]
    unread: i64,
    #[diesel(sql_type = Json)]
    waiting: Value,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Jsonb)]
    row: Value,
}

const HEAD: &str = "SELECT head AS number FROM notification_feeds WHERE tenant_id = $1 AND user_id = $2";

// One statement, so that rows and head are of one snapshot. Aggregated, because a feed without rows also has a head.
// The condition on `o.created_at` excludes the empty partitions of future days.
const FEED: &str = "
    WITH mine AS NOT MATERIALIZED (
        SELECT * FROM notifications n
         WHERE n.tenant_id = $1 AND n.recipient_id = $2 AND n.status = 'unread' AND n.visible AND n.deleted_at IS NULL
           AND n.snoozed_until IS NULL),
    newest AS (
        SELECT n.id, n.seq, n.type, n.category, n.title, n.body, n.link, n.data, n.priority, n.status, false AS is_read,
               n.channel, n.read_at, n.archived_at, n.snoozed_until, n.expires_at, n.event_id, n.team_id, n.created_at,
               n.updated_at,
               (SELECT o.id FROM outbox o WHERE o.tenant_id = $1 AND o.topic = $4 AND o.seq = n.seq
                   AND o.created_at < now() + interval '1 day' LIMIT 1) AS told
          FROM mine n WHERE n.expires_at IS NULL OR n.expires_at > $3
         ORDER BY n.last_event_at DESC, n.id DESC LIMIT $5)
    SELECT f.head, f.unread - (SELECT count(*) FROM mine WHERE mine.expires_at <= $3) AS unread,
           coalesce((SELECT json_agg(newest ORDER BY newest.seq, newest.id) FROM newest), '[]') AS waiting
      FROM notification_feeds f WHERE f.tenant_id = $1 AND f.user_id = $2";

const ROW: &str =
    "SELECT to_jsonb(n) AS row FROM notifications n WHERE n.tenant_id = $1 AND n.id = $2 AND n.visible";

const ROWS_CHANGED_AT: &str = "SELECT to_jsonb(n) AS row FROM notifications n \
    WHERE n.tenant_id = $1 AND n.recipient_id = $2 AND n.changed_seq = $3 AND n.visible ORDER BY n.seq, n.id LIMIT $4";

/// The sequence number of the topic's last event; 0 without a feed.
pub fn head(conn: &mut PgConnection, tenant: TenantId, user: UserId) -> Result<i64> {
    let found: Option<Number> = sql(HEAD).bind(tenant).bind(user).get_result(conn).optional()?;
    Ok(found.map_or(0, |found| found.number))
}

/// Reads a feed with its newest `limit` unread notifications.
pub fn feed(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
    limit: i64,
    now: Timestamp,
) -> Result<FeedHead> {
    let topic = crate::notifications::topic(user);
    let query = sql(FEED).bind(tenant).bind(user).bind(now).bind(topic).bind(limit);
    let Some(found) = query.get_result::<FeedHeadRow>(conn).optional()? else {
        return Ok(FeedHead { head: 0, unread: 0, waiting: Vec::new() });
    };
    let waiting = serde_json::from_value(found.waiting).map_err(Error::internal)?;
    Ok(FeedHead { head: found.head, unread: found.unread, waiting })
}

/// The row of one visible notification, or none.
pub fn notification_row(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: NotificationId,
) -> Result<Vec<Map<String, Value>>> {
    objects(sql(ROW).bind(tenant).bind(id).load(conn)?)
}

/// The rows of the person's notifications whose last change has this sequence number.
pub fn rows_changed_at(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
    number: i64,
    limit: i64,
) -> Result<Vec<Map<String, Value>>> {
    objects(sql(ROWS_CHANGED_AT).bind(tenant).bind(user).bind(number).bind(limit).load(conn)?)
}

fn objects(rows: Vec<Row>) -> Result<Vec<Map<String, Value>>> {
    rows.into_iter().map(|row| serde_json::from_value(row.row).map_err(Error::internal)).collect()
}
