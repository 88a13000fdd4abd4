//! Migrations, run by the owner role alone.

use super::roles::become_owner;
use anyhow::{Context, anyhow};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!();
/// Held while migrating: several processes may start at once.
const LOCK: &str = "SELECT pg_advisory_lock(hashtext('guichet.migrate'))";

/// Runs what is pending and says what was run. What it makes is `guichet_owner`'s, whoever `owner` logged in as.
pub fn up(owner: &mut PgConnection) -> anyhow::Result<Vec<String>> {
    become_owner(owner)?;
    owner.batch_execute(LOCK)?;
    let done =
        owner.run_pending_migrations(MIGRATIONS).map_err(|e| anyhow!(e)).context("a migration failed")?;
    Ok(done.iter().map(ToString::to_string).collect())
}

/// Takes back the last `steps` migrations and says which.
pub fn down(owner: &mut PgConnection, steps: usize) -> anyhow::Result<Vec<String>> {
    become_owner(owner)?;
    owner.batch_execute(LOCK)?;
    let mut undone = Vec::new();
    for _ in 0..steps {
        let version =
            owner.revert_last_migration(MIGRATIONS).map_err(|e| anyhow!(e)).context("a migration failed")?;
        undone.push(version.to_string());
    }
    Ok(undone)
}

#[derive(QueryableByName)]
struct Present {
    #[diesel(sql_type = Bool)]
    present: bool,
}

/// Whether the newest table is there: what a service that does not hold the owner's URL can ask for itself.
pub fn schema_present(app: &mut PgConnection) -> QueryResult<bool> {
    diesel::sql_query("SELECT to_regclass('public.idempotency_keys') IS NOT NULL AS present")
        .get_result::<Present>(app)
        .map(|row| row.present)
}
