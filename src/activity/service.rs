//! Reading the log.

use guichet_base::{Actor, Error, Result, Role};
use guichet_db::Db;

use super::model::{ActivityFilter, Record};
use super::store;

/// What was done in the tenant, the newest first. Errors: `FORBIDDEN` for everybody but owners.
pub async fn list(db: &Db, actor: &Actor, filter: ActivityFilter) -> Result<Vec<Record>> {
    may_view(actor)?;
    let tenant = actor.tenant;
    db.read(actor, move |tx| store::list(tx.conn(), tenant, &filter)).await
}

/// The permission `audit.view`, which owners alone hold.
fn may_view(actor: &Actor) -> Result<()> {
    if actor.role == Role::Owner { Ok(()) } else { Err(Error::forbidden()) }
}
