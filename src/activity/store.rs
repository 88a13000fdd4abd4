//! The rows of the activity log.

use std::net::IpAddr;

use diesel::{PgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::activity::Entry;
use crate::base::Result;
use crate::db::sql::sql;

// By hand, because Diesel's `inet` wants a crate of its own for one column. Tenant and person are the
// transaction's own, as the policy asks.
const INSERT: &str = "INSERT INTO activity_logs (tenant_id, id, user_id, action, entity_type, entity_id, details, ip_address) \
     VALUES (authz.tenant(), $1, authz.me(), $2, $3, $4, $5, $6::inet)";

pub(super) fn insert(conn: &mut PgConnection, entry: &Entry, ip: Option<IpAddr>) -> Result<()> {
    sql(INSERT)
        .bind(Uuid::now_v7())
        .bind(entry.action.as_str())
        .bind(entry.entity_type.clone())
        .bind(entry.entity_id.clone())
        .bind(Some(entry.details.clone()))
        .bind(ip.map(|ip| ip.to_string()))
        .execute(conn)?;
    Ok(())
}
