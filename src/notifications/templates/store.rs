//! What a tenant changed of the built-in templates: one row a template.

use diesel::prelude::*;
use serde_json::Value;

use crate::base::Result;
use crate::base::id::TenantId;
use crate::db::schema::notification_templates as templates;

/// The changed fields of one template, for `effective`. Also for the second phase of a transaction, and for jobs.
pub fn changes(conn: &mut PgConnection, tenant: TenantId, code: &str) -> Result<Option<Value>> {
    Ok(templates::table.find((tenant, code)).select(templates::fields).first(conn).optional()?)
}
