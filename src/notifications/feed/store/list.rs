//! Reads pages of a feed.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer};
use guichet_base::id::NotificationId;
use guichet_base::{Error, Result, Timestamp};
use guichet_db::sql::sql;

use super::change::FeedOwner;
use super::row::{NOTIFICATION_COLUMNS, NotificationColumns, NotificationRow, notification_columns};
use crate::notifications::expired::expired_but_counted;
use crate::notifications::feed::query::{FeedCursor, FeedPageQuery, FeedSort, FeedStates};
use crate::notifications::model::{Notification, Status};
use crate::preferences::Channel;

/// Maximum number of rows, newest first, that a text search or a sort without an index reads.
const MAX_SCANNED_ROWS: i64 = 10_000;

/// A person's feed: sequence number and unread counter.
#[derive(QueryableByName)]
pub struct FeedRow {
    /// The number of the last event on the person's topic.
    #[diesel(sql_type = BigInt)]
    pub head: i64,
    #[diesel(sql_type = BigInt)]
    pub unread: i64,
}

const FEED: &str = concat!(
    "SELECT f.head, f.unread - (",
    expired_but_counted!("$1", "$2", "$3"),
    ") AS unread FROM notification_feeds f WHERE f.tenant_id = $1 AND f.user_id = $2"
);

fn feed(conn: &mut PgConnection, owner: FeedOwner, now: Timestamp) -> Result<FeedRow> {
    let found = sql(FEED).bind(owner.tenant).bind(owner.user).bind(now).get_result(conn).optional()?;
    found.ok_or_else(|| Error::not_found("feed"))
}

pub fn unread(conn: &mut PgConnection, owner: FeedOwner, now: Timestamp) -> Result<i64> {
    Ok(feed(conn, owner, now)?.unread)
}

const FIND: &str = concat!(
    "SELECT ",
    notification_columns!(),
    " FROM notifications n WHERE n.tenant_id = $1 AND n.recipient_id = $2 AND n.id = $4 AND n.visible AND n.deleted_at IS NULL \
     AND (n.expires_at IS NULL OR n.expires_at > $3)"
);

/// Returns a visible notification. Errors: `NOT_FOUND`.
pub fn find(
    conn: &mut PgConnection,
    owner: FeedOwner,
    id: NotificationId,
    now: Timestamp,
) -> Result<Notification> {
    let row: Option<NotificationRow> =
        sql(FIND).bind(owner.tenant).bind(owner.user).bind(now).bind(id).get_result(conn).optional()?;
    row.ok_or_else(|| Error::not_found("notification"))?.into_notification()
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

const IS_DELETED: &str = "SELECT count(*) AS number FROM notifications n WHERE n.tenant_id = $1 AND n.recipient_id = $2 \
    AND n.id = $3 AND n.visible AND n.deleted_at IS NOT NULL";

/// Whether the notification belonged to the person and was deleted.
pub fn is_deleted(conn: &mut PgConnection, owner: FeedOwner, id: NotificationId) -> Result<bool> {
    let found: Count = sql(IS_DELETED).bind(owner.tenant).bind(owner.user).bind(id).get_result(conn)?;
    Ok(found.number > 0)
}

/// The feed's row with one notification of the page: its sort position, and its columns.
type ListedRow = (i64, i64, i32, NotificationRow);
type ListedColumns = (BigInt, BigInt, Integer, NotificationColumns);

/// Page lengths that are written into the text of statements: for an unknown LIMIT, PostgreSQL plans for a tenth of
/// the table and plans every page from scratch. Only a few lengths, so that each connection prepares few statements;
/// rows beyond the requested page are dropped.
const LITERAL_LIMITS: [i64; 4] = [21, 51, 101, 201];

fn literal_limit(limit: i64) -> i64 {
    LITERAL_LIMITS.into_iter().find(|length| limit <= *length).unwrap_or(limit)
}

/// The feed's row and a page of the same snapshot, each notification with the position for a cursor.
pub fn list(
    conn: &mut PgConnection,
    owner: FeedOwner,
    query: &FeedPageQuery,
    now: Timestamp,
) -> Result<(FeedRow, Vec<(Notification, FeedCursor)>)> {
    let Some(text) = list_sql(query) else { return Ok((feed(conn, owner, now)?, Vec::new())) };
    let filter = &query.filter;
    let rows: Vec<ListedRow> = sql(text)
        .bind(owner.tenant)
        .bind(owner.user)
        .bind(now)
        .bind(query.offset)
        .bind(filter.kind.clone())
        .bind(filter.category.map(|category| category.into_str().to_owned()))
        .bind(filter.priority.map(|priority| priority.into_str().to_owned()))
        .bind(filter.team)
        .bind(filter.since)
        .bind(filter.search.clone())
        .bind(query.after.map(|after| after.last_event_at))
        .bind(query.after.map(|after| after.id))
        .bind(query.after.map_or(0, |after| i32::from(after.sort_key)))
        .bind(query.limit)
        .typed::<ListedColumns>()
        .load(conn)?;
    let feed = match rows.first() {
        Some((head, unread, ..)) => FeedRow { head: *head, unread: *unread },
        None => feed(conn, owner, now)?,
    };
    let sort = query.sort;
    let page = rows
        .into_iter()
        .take(usize::try_from(query.limit).unwrap_or(0))
        .map(|(_, _, sort_key, row)| {
            let part = u8::try_from(sort_key).unwrap_or_default();
            let cursor = FeedCursor { sort, sort_key: part, last_event_at: row.last_event_at, id: row.id.0 };
            Ok((row.into_notification()?, cursor))
        })
        .collect::<Result<_>>()?;
    Ok((feed, page))
}

/// One SELECT of the UNION, which an index returns in order.
struct Branch {
    /// SQL expression of its first sort key.
    sort_key: &'static str,
    status: Option<&'static str>,
    starts_at_cursor: bool,
}

/// The statement for these filters. Each branch is read from its index in order and limited, then the branches are
/// merged. `None` if nothing can match.
fn list_sql(query: &FeedPageQuery) -> Option<String> {
    let branches = branches(query);
    if branches.is_empty() {
        return None;
    }
    let feed_cte = format!("WITH feed AS ({FEED}) SELECT (SELECT head FROM feed), (SELECT unread FROM feed)");
    let is_plain = query.offset == 0 && !conditions(query).iter().any(|(is_wanted, _)| *is_wanted);
    // Filtered lists have many variants of text already, so their length is a parameter.
    let length = if is_plain { literal_limit(query.limit).to_string() } else { "$14".to_owned() };
    let offset = if is_plain { "" } else { " OFFSET $4" };
    if let [branch] = branches.as_slice() {
        return Some(format!("{feed_cte}, {} LIMIT {length}{offset}", branch_sql(query, branch)));
    }
    let skipped = if is_plain { "" } else { " + $4" };
    let limited = |branch| format!("(SELECT {} LIMIT {length}{skipped})", branch_sql(query, branch));
    let selects: Vec<String> = branches.iter().map(limited).collect();
    Some(format!(
        "{feed_cte}, n.* FROM ({}) n ORDER BY n.part, n.last_event_at DESC, n.id DESC LIMIT {length}{offset}",
        selects.join(" UNION ALL "),
    ))
}

const BY_PRIORITY: &str =
    "CASE n.priority WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'normal' THEN 2 ELSE 3 END";

fn branches(query: &FeedPageQuery) -> Vec<Branch> {
    let cursor = query.after.map(|after| after.sort_key);
    match query.sort {
        FeedSort::Unread => {
            let parts = [(0, "0", Status::Unread), (1, "1", Status::Read), (1, "1", Status::Archived)];
            let selected = parts.into_iter().filter(|(place, _, status)| {
                let contradicts = match query.filter.is_read {
                    Some(true) => *status == Status::Unread,
                    Some(false) => *status == Status::Read,
                    None => false,
                };
                query.states.contains(*status) && !contradicts && cursor.is_none_or(|at| at <= *place)
            });
            let branch = |(place, part, status): (u8, &'static str, Status)| Branch {
                sort_key: part,
                status: Some(match status {
                    Status::Unread => " AND n.status = 'unread'",
                    Status::Read => " AND n.status = 'read'",
                    Status::Archived => " AND n.status = 'archived'",
                }),
                starts_at_cursor: cursor == Some(place),
            };
            selected.map(branch).collect()
        }
        FeedSort::Recent | FeedSort::Priority => vec![Branch {
            sort_key: if query.sort == FeedSort::Priority { BY_PRIORITY } else { "0" },
            status: match query.states {
                FeedStates::Current => Some(" AND n.status <> 'archived'"),
                FeedStates::Only(Status::Unread) => Some(" AND n.status = 'unread'"),
                FeedStates::Only(Status::Read) => Some(" AND n.status = 'read'"),
                FeedStates::Only(Status::Archived) => Some(" AND n.status = 'archived'"),
                FeedStates::All => None,
            },
            starts_at_cursor: query.after.is_some(),
        }],
    }
}

/// The SQL of one branch after `SELECT`: columns, source, conditions and order.
fn branch_sql(query: &FeedPageQuery, branch: &Branch) -> String {
    let mut from_clause = String::from(
        "FROM notifications n WHERE n.tenant_id = $1 AND n.recipient_id = $2 AND n.visible AND n.deleted_at IS NULL \
         AND n.snoozed_until IS NULL AND (n.expires_at IS NULL OR n.expires_at > $3)",
    );
    from_clause.push_str(branch.status.unwrap_or_default());
    let by_priority = query.sort == FeedSort::Priority;
    let after_cursor = "(n.last_event_at, n.id) < ($11, $12)";
    if branch.starts_at_cursor && !by_priority {
        from_clause.push_str(" AND ");
        from_clause.push_str(after_cursor);
    }
    let order = "ORDER BY n.last_event_at DESC, n.id DESC";
    if by_priority || query.filter.search.is_some() {
        from_clause = format!("FROM (SELECT * {from_clause} {order} LIMIT {MAX_SCANNED_ROWS}) n WHERE true");
    }
    if branch.starts_at_cursor && by_priority {
        from_clause
            .push_str(&format!(" AND ({BY_PRIORITY} > $13 OR ({BY_PRIORITY} = $13 AND {after_cursor}))"));
    }
    for (is_wanted, condition) in conditions(query) {
        from_clause.push_str(if is_wanted { condition } else { "" });
    }
    let order = if by_priority { "ORDER BY part, n.last_event_at DESC, n.id DESC" } else { order };
    format!("{} AS part, {NOTIFICATION_COLUMNS} {from_clause} {order}", branch.sort_key)
}

fn conditions(query: &FeedPageQuery) -> [(bool, &'static str); 9] {
    let filter = &query.filter;
    [
        (filter.kind.is_some(), " AND n.type = $5"),
        (filter.category.is_some(), " AND n.category = $6"),
        (filter.priority.is_some(), " AND n.priority = $7"),
        (filter.team.is_some(), " AND n.team_id = $8"),
        (filter.since.is_some(), " AND n.last_event_at >= $9"),
        (filter.is_read == Some(true), " AND n.read_at IS NOT NULL"),
        (filter.is_read == Some(false), " AND n.read_at IS NULL"),
        (filter.channel.is_some(), channel_condition(filter.channel)),
        (
            filter.search.is_some(),
            " AND authz.words(n.title || ' ' || n.body) @@ (SELECT authz.wanted_words($10))",
        ),
    ]
}

/// Matches the stored decision, not deliveries, since recipients cannot read deliveries.
fn channel_condition(channel: Option<Channel>) -> &'static str {
    match channel {
        Some(Channel::Inapp) | None => "",
        Some(Channel::Email) => " AND n.decision #>> '{email,sent}' = 'true'",
        Some(Channel::Sms) => " AND n.decision #>> '{sms,sent}' = 'true'",
        Some(Channel::Push) => " AND n.decision #>> '{push,sent}' = 'true'",
    }
}
