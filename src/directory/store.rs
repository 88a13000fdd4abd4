//! Queries that run before a request has an actor.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Uuid as SqlUuid};
use diesel::{PgConnection, QueryableByName};
use guichet_base::Result;
use guichet_base::id::{TenantId, UserId};
use guichet_db::sql::sql;
use serde_json::Value;
use uuid::Uuid;

use crate::directory::TenantName;
use crate::directory::users::{self, User};
use crate::schema::tenants;

// Functions, because without an actor the policies hide every row.
const BY_SLUG: &str = "SELECT authz.tenant_by_slug($1) AS id";
const BY_ID: &str = "SELECT CASE WHEN authz.tenant_exists($1) THEN $1 END AS id";

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    id: Option<Uuid>,
}

pub(super) fn tenant(conn: &mut PgConnection, name: &TenantName) -> Result<Option<TenantId>> {
    let found: Found = match name {
        TenantName::Id(id) => sql(BY_ID).bind(*id).get_result(conn)?,
        TenantName::Slug(slug) => sql(BY_SLUG).bind(slug.as_str()).get_result(conn)?,
        TenantName::Any => return Ok(None),
    };
    Ok(found.id.map(TenantId))
}

pub(super) fn settings(conn: &mut PgConnection, tenant: TenantId) -> Result<Value> {
    let settings = tenants::table.find(tenant).select(tenants::settings).first(conn).optional()?;
    Ok(settings.unwrap_or_default())
}

pub(super) fn person(conn: &mut PgConnection, (tenant, user): (TenantId, UserId)) -> Result<Option<User>> {
    users::store::find(conn, tenant, user)
}
