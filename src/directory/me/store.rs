//! Queries about the caller.

use diesel::PgConnection;
use diesel::dsl::sum;
use diesel::pg::Pg;
use diesel::prelude::*;

use diesel::sql_types::BigInt;
use guichet_base::id::ClientId;
use guichet_base::{Actor, Result, Timestamp};
use guichet_db::sql::sql;

use crate::schema::{clients, participants, team_members};

const MAX_CLIENTS: i64 = 200;

/// For roles that see all clients, those in their own charge or their teams'; for all others, those that they see.
pub(super) fn clients(conn: &mut PgConnection, actor: &Actor) -> Result<Vec<(ClientId, String)>> {
    let mut query = clients::table
        .filter(clients::tenant_id.eq(actor.tenant))
        .select((clients::id, clients::name))
        .into_boxed::<Pg>();
    if actor.role.sees_all_clients() {
        let teams = team_members::table
            .filter(team_members::tenant_id.eq(actor.tenant).and(team_members::user_id.eq(actor.user)))
            .select(team_members::team_id.nullable());
        query = query.filter(clients::operator_id.eq(actor.user).or(clients::team_id.eq_any(teams)));
    }
    Ok(query.order((clients::name, clients::id)).limit(MAX_CLIENTS).load(conn)?)
}

/// Unread messages in the rooms that count for the caller.
pub(super) fn unread_messages(conn: &mut PgConnection, actor: &Actor) -> Result<i64> {
    let mine = participants::table.filter(
        participants::tenant_id
            .eq(actor.tenant)
            .and(participants::user_id.eq(actor.user))
            .and(participants::counted),
    );
    Ok(mine.select(sum(participants::unread_count)).first::<Option<i64>>(conn)?.unwrap_or(0))
}

#[derive(QueryableByName)]
struct UnreadRow {
    #[diesel(sql_type = BigInt)]
    unread: i64,
}

// The counter, minus expired notifications that the job has not removed yet.
const UNREAD_NOTIFICATIONS: &str = "SELECT f.unread - (SELECT count(*) FROM notifications e WHERE e.tenant_id = $1 \
    AND e.recipient_id = $2 AND e.visible AND e.status = 'unread' AND e.deleted_at IS NULL AND e.snoozed_until IS NULL \
    AND e.expires_at <= $3) AS unread FROM notification_feeds f WHERE f.tenant_id = $1 AND f.user_id = $2";

/// The caller's unread notifications.
pub(super) fn unread_notifications(conn: &mut PgConnection, actor: &Actor, now: Timestamp) -> Result<i64> {
    let found: Option<UnreadRow> = sql(UNREAD_NOTIFICATIONS)
        .bind(actor.tenant)
        .bind(actor.user)
        .bind(now)
        .get_result(conn)
        .optional()?;
    Ok(found.map_or(0, |found| found.unread))
}
