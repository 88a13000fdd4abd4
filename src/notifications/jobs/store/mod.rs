//! All SQL of the jobs.

pub mod digest;
pub mod fake;
pub mod inactivity;
pub mod repair;
pub mod retention;

use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use uuid::Uuid;

use guichet_base::Result;
use guichet_base::id::TenantId;
use guichet_db::WorkerTx;
use guichet_db::sql::sql;

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    id: TenantId,
}

/// The next tenants after `after`, ordered by id.
pub fn tenants(tx: &mut WorkerTx<'_>, after: Option<TenantId>, limit: i64) -> Result<Vec<TenantId>> {
    let text = "SELECT id FROM tenants WHERE id > $1 ORDER BY id LIMIT $2";
    let after = after.map_or(Uuid::nil(), |tenant| tenant.0);
    let rows: Vec<Id> = sql(text).bind(after).bind(limit).load(tx.conn())?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}
