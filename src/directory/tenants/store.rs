//! The rows of tenants. Each actor sees one.

use diesel::PgConnection;
use diesel::prelude::*;
use guichet_base::id::TenantId;
use guichet_base::{Error, ErrorKind, Result};
use guichet_db::on_constraint;

use super::model::{NewTenant, Tenant, TenantChange};
use crate::schema::tenants;

pub fn find(conn: &mut PgConnection, id: TenantId) -> Result<Option<Tenant>> {
    Ok(tenants::table.find(id).select(Tenant::as_select()).first(conn).optional()?)
}

/// Locks the row until the transaction ends. `None` if the actor may not change it.
pub fn lock(conn: &mut PgConnection, id: TenantId) -> Result<Option<Tenant>> {
    Ok(tenants::table.find(id).select(Tenant::as_select()).for_update().first(conn).optional()?)
}

/// Errors: `SLUG_TAKEN`.
pub fn insert(conn: &mut PgConnection, tenant: &NewTenant) -> Result<Tenant> {
    diesel::insert_into(tenants::table)
        .values(tenant)
        .returning(Tenant::as_returning())
        .get_result(conn)
        .map_err(on_constraint("tenants_slug_key", || Error::new(ErrorKind::Conflict, "SLUG_TAKEN")))
}

/// `change` must not be empty.
pub fn update(conn: &mut PgConnection, id: TenantId, change: &TenantChange) -> Result<Tenant> {
    Ok(diesel::update(tenants::table.find(id))
        .set(change)
        .returning(Tenant::as_returning())
        .get_result(conn)?)
}
