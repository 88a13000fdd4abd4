//! Tenants' changes of the built-in templates: one row per tenant and template.

use diesel::prelude::*;
use guichet_base::Result;
use guichet_base::id::{TenantId, UserId};
use serde_json::Value;

use super::model::Changed;
use crate::schema::notification_templates as templates;

/// More than there are templates.
const MAX_ROWS: i64 = 1000;

/// The changed fields of one template, for `effective`. Also readable as the system, and for jobs.
pub fn changes(conn: &mut PgConnection, tenant: TenantId, code: &str) -> Result<Option<Value>> {
    Ok(templates::table.find((tenant, code)).select(templates::fields).first(conn).optional()?)
}

pub(super) fn list(conn: &mut PgConnection, tenant: TenantId) -> Result<Vec<Changed>> {
    let rows = templates::table.filter(templates::tenant_id.eq(tenant)).limit(MAX_ROWS);
    Ok(rows.select(Changed::as_select()).load(conn)?)
}

pub(super) fn find(conn: &mut PgConnection, tenant: TenantId, code: &str) -> Result<Option<Changed>> {
    Ok(templates::table.find((tenant, code)).select(Changed::as_select()).first(conn).optional()?)
}

/// Locks the row until the transaction ends.
pub(super) fn lock(conn: &mut PgConnection, tenant: TenantId, code: &str) -> Result<Option<Changed>> {
    let row = templates::table.find((tenant, code)).select(Changed::as_select());
    Ok(row.for_update().first(conn).optional()?)
}

/// `None` if another request was first.
pub(super) fn insert(
    conn: &mut PgConnection,
    (tenant, code): (TenantId, &str),
    fields: &Value,
    by: UserId,
) -> Result<Option<Changed>> {
    let row = (
        templates::tenant_id.eq(tenant),
        templates::code.eq(code),
        templates::fields.eq(fields),
        templates::updated_by.eq(by),
    );
    let insert = diesel::insert_into(templates::table).values(row).on_conflict_do_nothing();
    Ok(insert.returning(Changed::as_returning()).get_result(conn).optional()?)
}

pub(super) fn update(
    conn: &mut PgConnection,
    (tenant, code): (TenantId, &str),
    fields: &Value,
    by: UserId,
) -> Result<Changed> {
    let update = diesel::update(templates::table.find((tenant, code)));
    let set = (templates::fields.eq(fields), templates::updated_by.eq(by));
    Ok(update.set(set).returning(Changed::as_returning()).get_result(conn)?)
}

pub(super) fn delete(conn: &mut PgConnection, tenant: TenantId, code: &str) -> Result<()> {
    diesel::delete(templates::table.find((tenant, code))).execute(conn)?;
    Ok(())
}
