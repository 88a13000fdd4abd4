//! The statements that change a feed: its lock, the targets of actions, and the writes.

use std::collections::HashSet;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use guichet_base::id::{NotificationId, TenantId, UserId};
use guichet_base::{Actor, Error, Result, Timestamp};
use guichet_db::SystemTx;
use guichet_db::sql::{Bind, Statement, sql};
use guichet_realtime::Event;
use serde_json::{Value, json};
use uuid::Uuid;

use super::row::{NotificationRow, notification_columns};
use crate::notifications::expired::expired_but_counted;
use crate::notifications::feed::action::{FeedChange, NotificationState, Target};
use crate::notifications::model::Notification;

/// The owner of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedOwner {
    pub tenant: TenantId,
    pub user: UserId,
}

impl From<&Actor> for FeedOwner {
    fn from(actor: &Actor) -> Self {
        Self { tenant: actor.tenant, user: actor.user }
    }
}

#[derive(QueryableByName)]
struct Head {
    #[diesel(sql_type = BigInt)]
    head: i64,
}

/// Locks the feed until the transaction ends, and returns its last sequence number. Notifications must be read
/// afterwards, in another statement, to see the changes committed before the lock.
pub fn lock(conn: &mut PgConnection, owner: FeedOwner) -> Result<i64> {
    let found: Option<Head> =
        sql("SELECT head FROM notification_feeds WHERE tenant_id = $1 AND user_id = $2 FOR UPDATE")
            .bind(owner.tenant)
            .bind(owner.user)
            .get_result(conn)
            .optional()?;
    Ok(found.ok_or_else(|| Error::not_found("feed"))?.head)
}

#[derive(QueryableByName)]
pub(super) struct TargetRow {
    #[diesel(sql_type = SqlUuid)]
    id: NotificationId,
    #[diesel(sql_type = Nullable<Text>)]
    group_key: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    last_event_at: Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    read_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    archived_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    snoozed_until: Option<Timestamp>,
    #[diesel(sql_type = Bool)]
    visible: bool,
}

impl TargetRow {
    pub(super) fn visible(&self) -> bool {
        self.visible
    }
}

impl From<TargetRow> for Target {
    fn from(row: TargetRow) -> Self {
        let TargetRow { id, group_key, last_event_at, read_at, archived_at, snoozed_until, .. } = row;
        let standing = NotificationState { read_at, archived_at, snoozed_until, deleted_at: None };
        Self { id, state: standing, group_key, last_event_at }
    }
}

/// Selects notifications of the person (`$1` tenant, `$2` user) as targets; `$3` is the current time.
macro_rules! target_query {
    ($which:literal) => {
        concat!(
            "SELECT n.id, n.group_key, n.last_event_at, n.read_at, n.archived_at, n.snoozed_until, n.visible \
             FROM notifications n WHERE n.tenant_id = $1 AND n.recipient_id = $2 AND n.deleted_at IS NULL AND ",
            $which
        )
    };
}
pub(super) use target_query;

const BY_IDS: &str =
    target_query!("n.visible AND n.id = ANY ($4) AND (n.expires_at IS NULL OR n.expires_at > $3)");

/// The notifications of `ids` that the person can see.
pub fn by_ids(
    conn: &mut PgConnection,
    owner: FeedOwner,
    ids: &[NotificationId],
    now: Timestamp,
) -> Result<Vec<Target>> {
    load_targets(conn, target_statement(BY_IDS, owner, now).bind(uuids(ids)))
}

const UNREAD_UNTIL: &str = target_query!(
    "n.visible AND n.status = 'unread' AND n.snoozed_until IS NULL AND (n.expires_at IS NULL OR n.expires_at > $3) \
     AND n.last_event_at <= $4 ORDER BY n.last_event_at, n.id LIMIT $5"
);

/// The oldest unread notifications with a last event at or before `until`.
pub fn unread_until(
    conn: &mut PgConnection,
    owner: FeedOwner,
    until: Timestamp,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Target>> {
    load_targets(conn, target_statement(UNREAD_UNTIL, owner, now).bind(until).bind(limit))
}

const IN_GROUP: &str = "SELECT n.id, n.visible FROM notifications n WHERE n.tenant_id = $1 AND n.recipient_id = $2 \
    AND n.group_key = $3 AND n.status = 'unread' AND n.deleted_at IS NULL";

#[derive(QueryableByName)]
struct InGroup {
    #[diesel(sql_type = SqlUuid)]
    id: NotificationId,
    #[diesel(sql_type = Bool)]
    visible: bool,
}

/// The unread notification of a group, and whether its owner sees it.
pub fn unread_in_group(
    sys: &mut SystemTx<'_>,
    owner: FeedOwner,
    group: &str,
) -> Result<Vec<(NotificationId, bool)>> {
    let found: Vec<InGroup> =
        sql(IN_GROUP).bind(owner.tenant).bind(owner.user).bind(group).load(sys.conn())?;
    Ok(found.into_iter().map(|found| (found.id, found.visible)).collect())
}

const OF_GROUP: &str = target_query!("n.visible AND n.group_key = $4 AND n.status = 'unread'");

/// The visible unread notification of a group, as a target of actions.
pub fn unread_targets_of_group(
    conn: &mut PgConnection,
    owner: FeedOwner,
    group: &str,
    now: Timestamp,
) -> Result<Vec<Target>> {
    load_targets(conn, target_statement(OF_GROUP, owner, now).bind(group))
}

const READ_UNSEEN: &str = "UPDATE notifications SET status = 'read', read_at = $4, updated_at = $4 WHERE tenant_id = $1 \
    AND recipient_id = $2 AND id = $3 AND NOT visible AND status = 'unread'";

/// Marks a notification as read that exists only for its deliveries. No counter changes, and nothing is published.
pub fn mark_hidden_read(
    sys: &mut SystemTx<'_>,
    owner: FeedOwner,
    id: NotificationId,
    now: Timestamp,
) -> Result<()> {
    sql(READ_UNSEEN).bind(owner.tenant).bind(owner.user).bind(id).bind(now).execute(sys.conn())?;
    Ok(())
}

pub(super) fn target_statement(text: &'static str, owner: FeedOwner, now: Timestamp) -> Statement {
    sql(text).bind(owner.tenant).bind(owner.user).bind(now)
}

fn load_targets(conn: &mut PgConnection, statement: Statement) -> Result<Vec<Target>> {
    let rows: Vec<TargetRow> = statement.load(conn)?;
    Ok(rows.into_iter().map(Target::from).collect())
}

pub(super) fn uuids(ids: &[NotificationId]) -> Vec<Uuid> {
    ids.iter().map(|id| id.0).collect()
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    id: NotificationId,
}

/// The `ids` that belong to the person, including deleted and expired notifications.
pub fn ids_ever_owned(
    conn: &mut PgConnection,
    owner: FeedOwner,
    ids: &[NotificationId],
) -> Result<HashSet<NotificationId>> {
    let query = "SELECT id FROM notifications WHERE tenant_id = $1 AND recipient_id = $2 AND id = ANY ($3) AND visible";
    let rows: Vec<Id> = sql(query).bind(owner.tenant).bind(owner.user).bind(uuids(ids)).load(conn)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

#[derive(QueryableByName)]
struct Group {
    #[diesel(sql_type = Text)]
    group_key: String,
}

/// The `groups` that have an unread notification, including one that exists only for its deliveries.
pub fn groups_with_unread(
    sys: &mut SystemTx<'_>,
    owner: FeedOwner,
    groups: Vec<String>,
) -> Result<HashSet<String>> {
    let query = "SELECT group_key FROM notifications WHERE tenant_id = $1 AND recipient_id = $2 AND group_key = ANY ($3) \
        AND status = 'unread' AND deleted_at IS NULL";
    let rows: Vec<Group> = sql(query).bind(owner.tenant).bind(owner.user).bind(groups).load(sys.conn())?;
    Ok(rows.into_iter().map(|row| row.group_key).collect())
}

/// Updates the rows in `$3` and the feed. Expired notifications that are still counted are subtracted from the
/// published counter, except those that this change removes.
macro_rules! apply_changes {
    ($returning:expr, $rest:expr) => {
        concat!(
            "WITH wanted AS (
                SELECT * FROM json_to_recordset($3) AS w (id uuid, number bigint, status text, read_at timestamptz,
                    archived_at timestamptz, snoozed_until timestamptz, deleted_at timestamptz, last_event_at timestamptz)),
            feed AS (
                UPDATE notification_feeds SET head = head + 1, unread = unread + $4 WHERE tenant_id = $1 AND user_id = $2
                RETURNING unread - (",
            expired_but_counted!("$1", "$2", "$5"),
            " AND e.id NOT IN (SELECT id FROM wanted)) AS unread),
            changed AS (
                UPDATE notifications n SET changed_seq = w.number, status = w.status, read_at = w.read_at,
                       archived_at = w.archived_at, snoozed_until = w.snoozed_until, deleted_at = w.deleted_at,
                       last_event_at = coalesce(w.last_event_at, n.last_event_at), updated_at = $5
                  FROM wanted w WHERE n.tenant_id = $1 AND n.recipient_id = $2 AND n.id = w.id
                RETURNING ",
            $returning,
            ") ",
            $rest
        )
    };
}

const APPLY: &str = apply_changes!(
    concat!(notification_columns!(), ", n.changed_seq"),
    "SELECT c.*, feed.unread AS counted FROM changed c, feed ORDER BY c.changed_seq"
);

const APPLY_MANY: &str = apply_changes!("n.id", "SELECT feed.unread AS counted FROM feed");

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    counted: i64,
}

struct ChangedRow(NotificationRow, i64);

impl QueryableByName<diesel::pg::Pg> for ChangedRow {
    fn build<'a>(row: &impl diesel::row::NamedRow<'a, diesel::pg::Pg>) -> diesel::deserialize::Result<Self> {
        let notification = <NotificationRow as QueryableByName<_>>::build(row)?;
        Ok(Self(notification, Counted::build(row)?.counted))
    }
}

/// Writes each change with its own sequence number, starting at `head + 1`. Returns the current notifications and the
/// counter. `changes` must have 1 to `MAX_SINGLE_EVENTS` entries, and the feed must be locked.
pub fn apply(
    conn: &mut PgConnection,
    owner: FeedOwner,
    head: i64,
    changes: &[FeedChange],
    now: Timestamp,
) -> Result<(Vec<Notification>, i64)> {
    advance_head(conn, owner, changes.len().saturating_sub(1))?;
    let numbered = (head + 1..).zip(changes).map(|(number, change)| change_json(change, number)).collect();
    let rows: Vec<ChangedRow> = apply_statement(APPLY, owner, changes, numbered, now).load(conn)?;
    let unread = rows.first().map_or(0, |row| row.1);
    let rows = rows.into_iter().map(|row| row.0.into_notification()).collect::<Result<Vec<_>>>()?;
    Ok((rows, unread))
}

/// Writes all changes with one sequence number, `head + 1`, and returns the unread counter.
pub fn apply_many(
    conn: &mut PgConnection,
    owner: FeedOwner,
    head: i64,
    changes: &[FeedChange],
    now: Timestamp,
) -> Result<i64> {
    let numbered = changes.iter().map(|change| change_json(change, head + 1)).collect();
    let row: Counted = apply_statement(APPLY_MANY, owner, changes, numbered, now).get_result(conn)?;
    Ok(row.counted)
}

fn apply_statement(
    text: &'static str,
    owner: FeedOwner,
    changes: &[FeedChange],
    numbered: Vec<Value>,
    now: Timestamp,
) -> Statement {
    let counter: i32 = changes.iter().map(|change| change.counter_delta).sum();
    sql(text)
        .bind(owner.tenant)
        .bind(owner.user)
        .bind(Bind::Json(Value::Array(numbered)))
        .bind(counter)
        .bind(now)
}

fn change_json(change: &FeedChange, number: i64) -> Value {
    let to = &change.new_state;
    json!({
        "id": change.id,
        "number": number,
        "status": to.status(),
        "read_at": to.read_at,
        "archived_at": to.archived_at,
        "snoozed_until": to.snoozed_until,
        "deleted_at": to.deleted_at,
        "last_event_at": change.last_event_at,
    })
}

/// Increments `head` `count` times in one round trip, since the table's trigger allows only steps of one. The last
/// number is taken by the main statement. Ids are UUIDs and need no quoting.
fn advance_head(conn: &mut PgConnection, owner: FeedOwner, count: usize) -> Result<()> {
    if count > 0 {
        let FeedOwner { tenant, user } = owner;
        let statement = format!(
            "UPDATE notification_feeds SET head = head + 1 WHERE tenant_id = '{tenant}' AND user_id = '{user}';"
        );
        conn.batch_execute(&statement.repeat(count))?;
    }
    Ok(())
}

// All events are of one person, on that person's topic.
const INSERT_EVENTS: &str = "
    INSERT INTO outbox (tenant_id, topic, seq, id, event, payload, fanout, user_ids)
    SELECT $1, $3, e.seq, e.id, e.event, e.payload::json, '{}', ARRAY[$2]
      FROM unnest($4::bigint[], $5::uuid[], $6::text[], $7::text[]) AS e (seq, id, event, payload)";

/// Writes events of the person's topic to the outbox.
pub fn insert_events(sys: &mut SystemTx<'_>, owner: FeedOwner, events: &[Event]) -> Result<()> {
    let Some(first) = events.first() else { return Ok(()) };
    sql(INSERT_EVENTS)
        .bind(owner.tenant)
        .bind(owner.user)
        .bind(first.topic.as_ref())
        .bind(events.iter().map(|event| event.seq).collect::<Vec<i64>>())
        .bind(events.iter().map(|event| event.id).collect::<Vec<Uuid>>())
        .bind(events.iter().map(|event| event.name.to_string()).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.payload.get().to_owned()).collect::<Vec<_>>())
        .execute(sys.conn())?;
    Ok(())
}
