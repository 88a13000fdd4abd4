//! What is asked about the caller alone.

use diesel::PgConnection;
use diesel::dsl::sum;
use diesel::pg::Pg;
use diesel::prelude::*;

use crate::base::id::ClientId;
use crate::base::{Actor, Result};
use crate::db::schema::{clients, participants, team_members};

const MAX_CLIENTS: i64 = 200;

/// Of who sees all clients, those in their charge or their teams'; of everybody else, those that they see.
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

/// Messages of others that wait in the rooms that count for the caller.
pub(super) fn unread_messages(conn: &mut PgConnection, actor: &Actor) -> Result<i64> {
    let mine = participants::table.filter(
        participants::tenant_id
            .eq(actor.tenant)
            .and(participants::user_id.eq(actor.user))
            .and(participants::counted),
    );
    Ok(mine.select(sum(participants::unread_count)).first::<Option<i64>>(conn)?.unwrap_or(0))
}
