//! Queries for last-seen times and for the people in charge. Row-level security decides what the actor sees.

use diesel::prelude::*;
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use guichet_base::id::{ClientId, TenantId, UserId};
use guichet_base::page::Page;
use guichet_base::{Result, Timestamp};
use guichet_db::sql::sql;
use uuid::Uuid;

use super::model::LastSeenRow;
use crate::schema::{client_members, users};

/// People ordered by name, as in `/users`.
pub fn list_people(conn: &mut PgConnection, tenant: TenantId, page: Page) -> Result<Vec<LastSeenRow>> {
    let people = users::table.filter(users::tenant_id.eq(tenant).and(users::deleted_at.is_null()));
    let order = (users::display_name, users::id);
    let page = people.select(LastSeenRow::as_select()).order(order).limit(page.limit).offset(page.offset);
    Ok(page.load(conn)?)
}

/// Those of `ids` that the actor may see. `ids` has some hundred entries at most.
pub fn find_people(conn: &mut PgConnection, tenant: TenantId, ids: &[UserId]) -> Result<Vec<LastSeenRow>> {
    let people = users::table
        .filter(users::tenant_id.eq(tenant).and(users::id.eq_any(ids)).and(users::deleted_at.is_null()));
    let limit = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    Ok(people.select(LastSeenRow::as_select()).order(users::id).limit(limit).load(conn)?)
}

pub fn members(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ClientId,
    limit: i64,
) -> Result<Vec<LastSeenRow>> {
    let ids = client_members::table
        .filter(client_members::tenant_id.eq(tenant).and(client_members::client_id.eq(id)))
        .select(client_members::user_id);
    let people = users::table
        .filter(users::tenant_id.eq(tenant).and(users::id.eq_any(ids)).and(users::deleted_at.is_null()));
    let order = (users::display_name, users::id);
    Ok(people.select(LastSeenRow::as_select()).order(order).limit(limit).load(conn)?)
}

/// The relations of one person.
#[derive(QueryableByName)]
pub struct RelationsRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: UserId,
    #[diesel(sql_type = Text)]
    pub role: String,
    /// Operators in charge of the clients that the person belongs to.
    #[diesel(sql_type = Array<SqlUuid>)]
    pub operators: Vec<Uuid>,
    /// People of those clients' teams.
    #[diesel(sql_type = Array<SqlUuid>)]
    pub team: Vec<Uuid>,
}

/// The relations of many people in one statement, whose cost grows with their own clients and teams only. (Diesel's
/// DSL has no lateral arrays.)
const RELATIONS: &str = "SELECT u.id, u.role, \
     ARRAY(SELECT DISTINCT c.operator_id FROM client_members m \
         JOIN clients c ON c.tenant_id = $1 AND c.id = m.client_id \
         WHERE m.tenant_id = $1 AND m.user_id = u.id AND c.operator_id IS NOT NULL) AS operators, \
     ARRAY(SELECT DISTINCT t.user_id FROM client_members m \
         JOIN clients c ON c.tenant_id = $1 AND c.id = m.client_id \
         JOIN team_members t ON t.tenant_id = $1 AND t.team_id = c.team_id \
         WHERE m.tenant_id = $1 AND m.user_id = u.id) AS team \
     FROM users u WHERE u.tenant_id = $1 AND u.id = ANY ($2)";

pub fn load_relations(
    conn: &mut PgConnection,
    tenant: TenantId,
    users: Vec<Uuid>,
) -> Result<Vec<RelationsRow>> {
    Ok(sql(RELATIONS).bind(tenant).bind(users).load(conn)?)
}

#[derive(QueryableByName)]
struct ExistsRow {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    known: bool,
}

/// Whether the actor may see a client that `operator` is in charge of.
pub fn is_in_charge(conn: &mut PgConnection, tenant: TenantId, operator: UserId) -> Result<bool> {
    let found: ExistsRow =
        sql("SELECT EXISTS (SELECT FROM clients WHERE tenant_id = $1 AND operator_id = $2) AS known")
            .bind(tenant)
            .bind(operator)
            .get_result(conn)?;
    Ok(found.known)
}

/// Records when people were last active, in one statement. This does not change the version of their records.
pub fn update_last_seen(
    conn: &mut PgConnection,
    tenant: TenantId,
    people: &[(UserId, Timestamp)],
) -> Result<()> {
    let ids: Vec<Uuid> = people.iter().map(|(user, _)| user.0).collect();
    let times: Vec<_> = people.iter().map(|(_, at)| at.as_datetime()).collect();
    // Rows are locked in a fixed order, so that two processes writing the same people do not deadlock.
    diesel::sql_query(
        "UPDATE users u SET last_seen_at = greatest(u.last_seen_at, s.at) \
         FROM (SELECT l.id, s.at FROM unnest($2::uuid[], $3::timestamptz[]) s (id, at) \
             JOIN users l ON l.tenant_id = $1 AND l.id = s.id ORDER BY l.id FOR UPDATE OF l) s \
         WHERE u.tenant_id = $1 AND u.id = s.id",
    )
    .bind::<SqlUuid, _>(tenant)
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<diesel::sql_types::Timestamptz>, _>(times)
    .execute(conn)?;
    Ok(())
}
