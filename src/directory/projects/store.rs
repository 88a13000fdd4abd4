//! The rows of projects.

use diesel::PgConnection;
use diesel::pg::Pg;
use diesel::prelude::*;
use guichet_base::Result;
use guichet_base::id::{ClientId, ProjectId, TenantId};
use guichet_base::page::Page;

use super::model::Project;
use crate::schema::projects;

pub fn list(
    conn: &mut PgConnection,
    tenant: TenantId,
    client: Option<ClientId>,
    page: Page,
) -> Result<Vec<Project>> {
    let mut query = projects::table
        .filter(projects::tenant_id.eq(tenant))
        .select(Project::as_select())
        .into_boxed::<Pg>();
    if let Some(client) = client {
        query = query.filter(projects::client_id.eq(client));
    }
    // Ordered by key, which is the order of creation.
    Ok(query.order(projects::id).limit(page.limit).offset(page.offset).load(conn)?)
}

pub fn find(conn: &mut PgConnection, tenant: TenantId, id: ProjectId) -> Result<Option<Project>> {
    Ok(projects::table.find((tenant, id)).select(Project::as_select()).first(conn).optional()?)
}

/// Locks the row until the transaction ends. `None` if the actor may not change it.
pub fn lock(conn: &mut PgConnection, tenant: TenantId, id: ProjectId) -> Result<Option<Project>> {
    Ok(projects::table.find((tenant, id)).select(Project::as_select()).for_update().first(conn).optional()?)
}

pub fn insert(conn: &mut PgConnection, tenant: TenantId, client: ClientId, name: &str) -> Result<Project> {
    let row = (
        projects::tenant_id.eq(tenant),
        projects::id.eq(ProjectId::new()),
        projects::client_id.eq(client),
        projects::name.eq(name),
    );
    Ok(diesel::insert_into(projects::table)
        .values(row)
        .returning(Project::as_returning())
        .get_result(conn)?)
}

pub fn rename(conn: &mut PgConnection, tenant: TenantId, id: ProjectId, name: &str) -> Result<Project> {
    Ok(diesel::update(projects::table.find((tenant, id)))
        .set(projects::name.eq(name))
        .returning(Project::as_returning())
        .get_result(conn)?)
}

pub fn delete(conn: &mut PgConnection, tenant: TenantId, id: ProjectId) -> Result<()> {
    diesel::delete(projects::table.find((tenant, id))).execute(conn)?;
    Ok(())
}
