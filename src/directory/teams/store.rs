//! The rows of teams and of their members.

use diesel::PgConnection;
use diesel::prelude::*;
use guichet_base::id::{TeamId, TenantId, UserId};
use guichet_base::page::Page;
use guichet_base::{Error, ErrorKind, Result};
use guichet_db::on_constraint;

use super::model::Team;
use crate::directory::users::User;
use crate::schema::{team_members, teams, users};

pub fn list(conn: &mut PgConnection, tenant: TenantId, page: Page) -> Result<Vec<Team>> {
    let query = teams::table.filter(teams::tenant_id.eq(tenant)).select(Team::as_select());
    Ok(query.order((teams::name, teams::id)).limit(page.limit).offset(page.offset).load(conn)?)
}

pub fn find(conn: &mut PgConnection, tenant: TenantId, id: TeamId) -> Result<Option<Team>> {
    Ok(teams::table.find((tenant, id)).select(Team::as_select()).first(conn).optional()?)
}

/// Locks the row until the transaction ends. `None` if the actor may not change it.
pub fn lock(conn: &mut PgConnection, tenant: TenantId, id: TeamId) -> Result<Option<Team>> {
    Ok(teams::table.find((tenant, id)).select(Team::as_select()).for_update().first(conn).optional()?)
}

/// `None` if the team exists already.
pub fn insert(conn: &mut PgConnection, tenant: TenantId, id: TeamId, name: &str) -> Result<Option<Team>> {
    Ok(diesel::insert_into(teams::table)
        .values((teams::tenant_id.eq(tenant), teams::id.eq(id), teams::name.eq(name)))
        .on_conflict_do_nothing()
        .returning(Team::as_returning())
        .get_result(conn)
        .optional()?)
}

pub fn rename(conn: &mut PgConnection, tenant: TenantId, id: TeamId, name: &str) -> Result<Team> {
    Ok(diesel::update(teams::table.find((tenant, id)))
        .set(teams::name.eq(name))
        .returning(Team::as_returning())
        .get_result(conn)?)
}

/// Errors: `IN_USE` while the team is in charge of a client.
pub fn delete(conn: &mut PgConnection, tenant: TenantId, id: TeamId) -> Result<()> {
    diesel::delete(teams::table.find((tenant, id)))
        .execute(conn)
        .map_err(on_constraint("clients_team_fkey", || Error::new(ErrorKind::Conflict, "IN_USE")))?;
    Ok(())
}

pub fn members(conn: &mut PgConnection, tenant: TenantId, id: TeamId, page: Page) -> Result<Vec<User>> {
    let ids = team_members::table
        .filter(team_members::tenant_id.eq(tenant).and(team_members::team_id.eq(id)))
        .select(team_members::user_id);
    let query = users::table
        .filter(users::tenant_id.eq(tenant).and(users::id.eq_any(ids)).and(users::deleted_at.is_null()))
        .select(User::as_select());
    let order = (users::display_name, users::id);
    Ok(query.order(order).limit(page.limit).offset(page.offset).load(conn)?)
}

/// Returns false if the person was in the team before.
pub fn add_member(conn: &mut PgConnection, tenant: TenantId, id: TeamId, user: UserId) -> Result<bool> {
    let row =
        (team_members::tenant_id.eq(tenant), team_members::team_id.eq(id), team_members::user_id.eq(user));
    Ok(diesel::insert_into(team_members::table).values(row).on_conflict_do_nothing().execute(conn)? == 1)
}

/// Returns false if the person was not in the team.
pub fn remove_member(conn: &mut PgConnection, tenant: TenantId, id: TeamId, user: UserId) -> Result<bool> {
    Ok(diesel::delete(team_members::table.find((tenant, id, user))).execute(conn)? == 1)
}
