//! Tenants' changes of the built-in templates: one row per tenant and template.

use diesel::prelude::*;
use guichet_base::Result;
use guichet_base::id::{TenantId, UserId};
use serde_json::Value;

use super::model::TemplateRow;
use crate::schema::notification_templates as templates;

/// Upper bound; there are fewer templates.
const MAX_ROWS: i64 = 1000;

/// The changed fields of one template, for `effective`. Works for people, the system role and jobs.
pub fn changes(conn: &mut PgConnection, tenant: TenantId, code: &str) -> Result<Option<Value>> {
    Ok(templates::table.find((tenant, code)).select(templates::fields).first(conn).optional()?)
}

pub(super) fn list(conn: &mut PgConnection, tenant: TenantId) -> Result<Vec<TemplateRow>> {
    let rows = templates::table.filter(templates::tenant_id.eq(tenant)).limit(MAX_ROWS);
    Ok(rows.select(TemplateRow::as_select()).load(conn)?)
}

pub(super) fn find(conn: &mut PgConnection, tenant: TenantId, code: &str) -> Result<Option<TemplateRow>> {
    Ok(templates::table.find((tenant, code)).select(TemplateRow::as_select()).first(conn).optional()?)
}

/// Locks the row until the transaction ends.
pub(super) fn lock(conn: &mut PgConnection, tenant: TenantId, code: &str) -> Result<Option<TemplateRow>> {
    let row = templates::table.find((tenant, code)).select(TemplateRow::as_select());
    Ok(row.for_update().first(conn).optional()?)
}

/// Inserts a tenant's changes. Returns `None` if a concurrent request has inserted them first.
pub(super) fn insert(
    conn: &mut PgConnection,
    (tenant, code): (TenantId, &str),
    fields: &Value,
    updated_by: UserId,
) -> Result<Option<TemplateRow>> {
    let row = (
        templates::tenant_id.eq(tenant),
        templates::code.eq(code),
        templates::fields.eq(fields),
        templates::updated_by.eq(updated_by),
    );
    let insert = diesel::insert_into(templates::table).values(row).on_conflict_do_nothing();
    Ok(insert.returning(TemplateRow::as_returning()).get_result(conn).optional()?)
}

pub(super) fn update(
    conn: &mut PgConnection,
    (tenant, code): (TenantId, &str),
    fields: &Value,
    updated_by: UserId,
) -> Result<TemplateRow> {
    let update = diesel::update(templates::table.find((tenant, code)));
    let set = (templates::fields.eq(fields), templates::updated_by.eq(updated_by));
    Ok(update.set(set).returning(TemplateRow::as_returning()).get_result(conn)?)
}

pub(super) fn delete(conn: &mut PgConnection, tenant: TenantId, code: &str) -> Result<()> {
    diesel::delete(templates::table.find((tenant, code))).execute(conn)?;
    Ok(())
}
