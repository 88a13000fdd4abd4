//! Reads the log.

use guichet_base::{Actor, Error, Result, Role};
use guichet_db::Db;

use super::model::{ActivityFilter, ActivityRecord};
use super::store;

/// The activity of the tenant, newest first. Errors: `FORBIDDEN` unless the actor is an owner.
pub async fn list(db: &Db, actor: &Actor, filter: ActivityFilter) -> Result<Vec<ActivityRecord>> {
    may_view(actor)?;
    let tenant = actor.tenant;
    db.read(actor, move |tx| store::list(tx.conn(), tenant, &filter)).await
}

/// The permission `audit.view`, which only owners hold.
fn may_view(actor: &Actor) -> Result<()> {
    if actor.role == Role::Owner { Ok(()) } else { Err(Error::forbidden()) }
}
