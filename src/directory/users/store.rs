//! The rows of people. Row-level security decides which of them the actor may see and change.

use diesel::prelude::*;
use diesel::{PgConnection, PgTextExpressionMethods};
use guichet_base::id::{TenantId, UserId};
use guichet_base::page::Page;
use guichet_base::{Result, Role, Timestamp};

use super::model::{NewUser, User, UserChange};
use crate::directory::like_pattern;
use crate::schema::{client_members, clients, team_members, users};

/// Filter of a list of people.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    pub search: Option<String>,
    pub role: Option<Role>,
}

pub fn list(conn: &mut PgConnection, tenant: TenantId, wanted: &UserFilter, page: Page) -> Result<Vec<User>> {
    let mut query = users::table
        .filter(users::tenant_id.eq(tenant).and(users::deleted_at.is_null()))
        .select(User::as_select())
        .into_boxed();
    if let Some(role) = wanted.role {
        query = query.filter(users::role.eq(role.into_str()));
    }
    if let Some(words) = &wanted.search {
        let pattern = like_pattern::like_contains(words);
        query = query.filter(users::display_name.ilike(pattern.clone()).or(users::email.ilike(pattern)));
    }
    let order = (users::display_name, users::id);
    Ok(query.order(order).limit(page.limit).offset(page.offset).load(conn)?)
}

/// Includes deleted people.
pub fn find(conn: &mut PgConnection, tenant: TenantId, id: UserId) -> Result<Option<User>> {
    Ok(users::table.find((tenant, id)).select(User::as_select()).first(conn).optional()?)
}

/// Locks the row until the transaction ends. `None` if the actor may not change it.
pub fn lock(conn: &mut PgConnection, tenant: TenantId, id: UserId) -> Result<Option<User>> {
    Ok(users::table.find((tenant, id)).select(User::as_select()).for_update().first(conn).optional()?)
}

/// `None` if the person exists already.
pub fn insert(conn: &mut PgConnection, user: &NewUser) -> Result<Option<User>> {
    Ok(diesel::insert_into(users::table)
        .values(user)
        .on_conflict_do_nothing()
        .returning(User::as_returning())
        .get_result(conn)
        .optional()?)
}

/// `change` must not be empty.
pub fn update(conn: &mut PgConnection, tenant: TenantId, id: UserId, change: &UserChange) -> Result<User> {
    Ok(diesel::update(users::table.find((tenant, id)))
        .set(change)
        .returning(User::as_returning())
        .get_result(conn)?)
}

/// Restores a deleted person.
pub fn restore(conn: &mut PgConnection, tenant: TenantId, id: UserId) -> Result<()> {
    diesel::update(users::table.find((tenant, id)))
        .set(users::deleted_at.eq(None::<guichet_base::Timestamp>))
        .execute(conn)?;
    Ok(())
}

/// Also revokes: a restored person needs a newer token.
pub fn delete(conn: &mut PgConnection, tenant: TenantId, id: UserId, at: Timestamp) -> Result<()> {
    diesel::update(users::table.find((tenant, id))).set(users::deleted_at.eq(Some(at))).execute(conn)?;
    revoke(conn, tenant, id, at).map(drop)
}

/// Revokes tokens issued at `at` or before. A later revocation stays. `None` if the actor may not change the person.
pub fn revoke(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: UserId,
    at: Timestamp,
) -> Result<Option<Timestamp>> {
    let later = users::sessions_valid_after.is_null().or(users::sessions_valid_after.lt(at));
    diesel::update(users::table.find((tenant, id)).filter(later))
        .set(users::sessions_valid_after.eq(Some(at)))
        .execute(conn)?;
    let user = find(conn, tenant, id)?;
    Ok(user.and_then(|user| user.sessions_valid_after))
}

pub fn delete_client_memberships(conn: &mut PgConnection, tenant: TenantId, id: UserId) -> Result<()> {
    let rows = client_members::table
        .filter(client_members::tenant_id.eq(tenant).and(client_members::user_id.eq(id)));
    diesel::delete(rows).execute(conn)?;
    Ok(())
}

/// Removes the person from every team and from the charge of every client.
pub fn delete_assignments(conn: &mut PgConnection, tenant: TenantId, id: UserId) -> Result<()> {
    let rows =
        team_members::table.filter(team_members::tenant_id.eq(tenant).and(team_members::user_id.eq(id)));
    diesel::delete(rows).execute(conn)?;
    diesel::update(clients::table.filter(clients::tenant_id.eq(tenant).and(clients::operator_id.eq(id))))
        .set(clients::operator_id.eq(None::<UserId>))
        .execute(conn)?;
    Ok(())
}

/// Removes the memberships of a person who changes between operator and member.
pub fn delete_obsolete_memberships(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: UserId,
    role: Role,
) -> Result<()> {
    match role {
        Role::Client => delete_assignments(conn, tenant, id),
        Role::Owner | Role::Manager | Role::Employee | Role::Service | Role::Platform => {
            delete_client_memberships(conn, tenant, id)
        }
    }
}
