//! Reads pages of a feed.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer};
use guichet_base::id::NotificationId;
use guichet_base::{Error, Result, Timestamp};
use guichet_db::sql::sql;

use super::change::Owner;
use super::row::{COLUMNS, Columns, NotificationRow, notification_columns};
use crate::notifications::expired::over_and_counted;
use crate::notifications::feed::query::{FeedCursor, FeedPageQuery, FeedSort, FeedStates};
use crate::notifications::model::{Notification, Status};
use crate::preferences::Channel;

/// Rows considered by a word search, or by a sort without an index: the newest of the person.
const WINDOW: i64 = 10_000;

/// The columns of the feed's row.
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
    over_and_counted!("$1", "$2", "$3"),
    ") AS unread FROM notification_feeds f WHERE f.tenant_id = $1 AND f.user_id = $2"
);

fn feed(conn: &mut PgConnection, owner: Owner, now: Timestamp) -> Result<FeedRow> {
    let found = sql(FEED).bind(owner.tenant).bind(owner.user).bind(now).get_result(conn).optional()?;
    found.ok_or_else(|| Error::not_found("feed"))
}

pub fn unread(conn: &mut PgConnection, owner: Owner, now: Timestamp) -> Result<i64> {
    Ok(feed(conn, owner, now)?.unread)
}

const ONE: &str = concat!(
    "SELECT ",
    notification_columns!(),
    " FROM notifications n WHERE n.tenant_id = $1 AND n.recipient_id = $2 AND n.id = $4 AND n.visible AND n.deleted_at IS NULL \
     AND (n.expires_at IS NULL OR n.expires_at > $3)"
);

/// Errors: `NOT_FOUND`.
pub fn one(
    conn: &mut PgConnection,
    owner: Owner,
    id: NotificationId,
    now: Timestamp,
) -> Result<Notification> {
    let row: Option<NotificationRow> =
        sql(ONE).bind(owner.tenant).bind(owner.user).bind(now).bind(id).get_result(conn).optional()?;
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
pub fn is_deleted(conn: &mut PgConnection, owner: Owner, id: NotificationId) -> Result<bool> {
    let found: Count = sql(IS_DELETED).bind(owner.tenant).bind(owner.user).bind(id).get_result(conn)?;
    Ok(found.number > 0)
}

/// The feed's row with one notification of the page: its sort position, and its columns.
type Listed = (i64, i64, i32, NotificationRow);
type ListedColumns = (BigInt, BigInt, Integer, Columns);

/// Page lengths that are written into the text of statements: for an unknown LIMIT, PostgreSQL plans for a tenth of
/// the table and plans every page from scratch. Only a few lengths, so that each connection prepares few statements;
/// rows beyond the requested page are dropped.
const LENGTHS: [i64; 4] = [21, 51, 101, 201];

fn length(limit: i64) -> i64 {
    LENGTHS.into_iter().find(|length| limit <= *length).unwrap_or(limit)
}

/// The feed's row and a page of the same snapshot, each notification with the position for a cursor.
pub fn list(
    conn: &mut PgConnection,
    owner: Owner,
    wanted: &FeedPageQuery,
    now: Timestamp,
) -> Result<(FeedRow, Vec<(Notification, FeedCursor)>)> {
    let Some(text) = text(wanted) else { return Ok((feed(conn, owner, now)?, Vec::new())) };
    let filter = &wanted.filter;
    let rows: Vec<Listed> = sql(text)
        .bind(owner.tenant)
        .bind(owner.user)
        .bind(now)
        .bind(wanted.offset)
        .bind(filter.kind.clone())
        .bind(filter.category.map(|category| category.into_str().to_owned()))
        .bind(filter.priority.map(|priority| priority.into_str().to_owned()))
        .bind(filter.team)
        .bind(filter.since)
        .bind(filter.words.clone())
        .bind(wanted.after.map(|after| after.at))
        .bind(wanted.after.map(|after| after.id))
        .bind(wanted.after.map_or(0, |after| i32::from(after.part)))
        .bind(wanted.limit)
        .typed::<ListedColumns>()
        .load(conn)?;
    let feed = match rows.first() {
        Some((head, unread, ..)) => FeedRow { head: *head, unread: *unread },
        None => feed(conn, owner, now)?,
    };
    let sort = wanted.sort;
    let page = rows
        .into_iter()
        .take(usize::try_from(wanted.limit).unwrap_or(0))
        .map(|(_, _, part, row)| {
            let part = u8::try_from(part).unwrap_or_default();
            let cursor = FeedCursor { sort, part, at: row.last_event_at, id: row.id.0 };
            Ok((row.into_notification()?, cursor))
        })
        .collect::<Result<_>>()?;
    Ok((feed, page))
}

/// A part of a list that one index returns in order.
struct Branch {
    /// Its position in the list, as an expression.
    part: &'static str,
    status: Option<&'static str>,
    is_behind_cursor: bool,
}

/// The statement for exactly these filters. Each part is read from its index in order and cut, then the parts are
/// merged. `None` if nothing can match.
fn text(wanted: &FeedPageQuery) -> Option<String> {
    let branches = branches(wanted);
    if branches.is_empty() {
        return None;
    }
    let counted = format!("WITH feed AS ({FEED}) SELECT (SELECT head FROM feed), (SELECT unread FROM feed)");
    let is_plain = wanted.offset == 0 && !conditions(wanted).iter().any(|(is_wanted, _)| *is_wanted);
    // Filtered lists have many variants of text already, so their length is a parameter.
    let length = if is_plain { length(wanted.limit).to_string() } else { "$14".to_owned() };
    let offset = if is_plain { "" } else { " OFFSET $4" };
    if let [branch] = branches.as_slice() {
        return Some(format!("{counted}, {} LIMIT {length}{offset}", stretch(wanted, branch)));
    }
    let skipped = if is_plain { "" } else { " + $4" };
    let cut = |branch| format!("(SELECT {} LIMIT {length}{skipped})", stretch(wanted, branch));
    let stretches: Vec<String> = branches.iter().map(cut).collect();
    Some(format!(
        "{counted}, n.* FROM ({}) n ORDER BY n.part, n.last_event_at DESC, n.id DESC LIMIT {length}{offset}",
        stretches.join(" UNION ALL "),
    ))
}

const BY_PRIORITY: &str =
    "CASE n.priority WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'normal' THEN 2 ELSE 3 END";

fn branches(wanted: &FeedPageQuery) -> Vec<Branch> {
    let cursor = wanted.after.map(|after| after.part);
    match wanted.sort {
        FeedSort::Unread => {
            let parts = [(0, "0", Status::Unread), (1, "1", Status::Read), (1, "1", Status::Archived)];
            let shown = parts.into_iter().filter(|(place, _, status)| {
                let contradicts = match wanted.filter.is_read {
                    Some(true) => *status == Status::Unread,
                    Some(false) => *status == Status::Read,
                    None => false,
                };
                wanted.shown.has(*status) && !contradicts && cursor.is_none_or(|at| at <= *place)
            });
            let branch = |(place, part, status): (u8, &'static str, Status)| Branch {
                part,
                status: Some(match status {
                    Status::Unread => " AND n.status = 'unread'",
                    Status::Read => " AND n.status = 'read'",
                    Status::Archived => " AND n.status = 'archived'",
                }),
                is_behind_cursor: cursor == Some(place),
            };
            shown.map(branch).collect()
        }
        FeedSort::Recent | FeedSort::Priority => vec![Branch {
            part: if wanted.sort == FeedSort::Priority { BY_PRIORITY } else { "0" },
            status: match wanted.shown {
                FeedStates::Current => Some(" AND n.status <> 'archived'"),
                FeedStates::Only(Status::Unread) => Some(" AND n.status = 'unread'"),
                FeedStates::Only(Status::Read) => Some(" AND n.status = 'read'"),
                FeedStates::Only(Status::Archived) => Some(" AND n.status = 'archived'"),
                FeedStates::All => None,
            },
            is_behind_cursor: wanted.after.is_some(),
        }],
    }
}

/// The SELECT list and the rest, in order.
fn stretch(wanted: &FeedPageQuery, branch: &Branch) -> String {
    let mut found = String::from(
        "FROM notifications n WHERE n.tenant_id = $1 AND n.recipient_id = $2 AND n.visible AND n.deleted_at IS NULL \
         AND n.snoozed_until IS NULL AND (n.expires_at IS NULL OR n.expires_at > $3)",
    );
    found.push_str(branch.status.unwrap_or_default());
    let by_priority = wanted.sort == FeedSort::Priority;
    let behind = "(n.last_event_at, n.id) < ($11, $12)";
    if branch.is_behind_cursor && !by_priority {
        found.push_str(" AND ");
        found.push_str(behind);
    }
    let order = "ORDER BY n.last_event_at DESC, n.id DESC";
    if by_priority || wanted.filter.words.is_some() {
        found = format!("FROM (SELECT * {found} {order} LIMIT {WINDOW}) n WHERE true");
    }
    if branch.is_behind_cursor && by_priority {
        found.push_str(&format!(" AND ({BY_PRIORITY} > $13 OR ({BY_PRIORITY} = $13 AND {behind}))"));
    }
    for (is_wanted, condition) in conditions(wanted) {
        found.push_str(if is_wanted { condition } else { "" });
    }
    let order = if by_priority { "ORDER BY part, n.last_event_at DESC, n.id DESC" } else { order };
    format!("{} AS part, {COLUMNS} {found} {order}", branch.part)
}

fn conditions(wanted: &FeedPageQuery) -> [(bool, &'static str); 9] {
    let filter = &wanted.filter;
    [
        (filter.kind.is_some(), " AND n.type = $5"),
        (filter.category.is_some(), " AND n.category = $6"),
        (filter.priority.is_some(), " AND n.priority = $7"),
        (filter.team.is_some(), " AND n.team_id = $8"),
        (filter.since.is_some(), " AND n.last_event_at >= $9"),
        (filter.is_read == Some(true), " AND n.read_at IS NOT NULL"),
        (filter.is_read == Some(false), " AND n.read_at IS NULL"),
        (filter.channel.is_some(), channel(filter.channel)),
        (
            filter.words.is_some(),
            " AND authz.words(n.title || ' ' || n.body) @@ (SELECT authz.wanted_words($10))",
        ),
    ]
}

/// Sent on this channel, by the stored decision, since deliveries are not visible to their recipient.
fn channel(channel: Option<Channel>) -> &'static str {
    match channel {
        Some(Channel::Inapp) | None => "",
        Some(Channel::Email) => " AND n.decision #>> '{email,sent}' = 'true'",
        Some(Channel::Sms) => " AND n.decision #>> '{sms,sent}' = 'true'",
        Some(Channel::Push) => " AND n.decision #>> '{push,sent}' = 'true'",
    }
}
