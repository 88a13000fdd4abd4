//! Migrations, run by the owner role alone.

use super::roles::become_owner;
use anyhow::{Context, anyhow};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};

/// Held while migrating, since several processes may start at once.
const LOCK: &str = "SELECT pg_advisory_lock(hashtext('guichet.migrate'))";

/// Runs pending migrations and returns their versions. New objects belong to `guichet_owner`, whatever role `owner`
/// has.
pub fn up(owner: &mut PgConnection, migrations: EmbeddedMigrations) -> anyhow::Result<Vec<String>> {
    become_owner(owner)?;
    owner.batch_execute(LOCK)?;
    let done =
        owner.run_pending_migrations(migrations).map_err(|e| anyhow!(e)).context("a migration failed")?;
    Ok(done.iter().map(ToString::to_string).collect())
}

/// Reverts the newest migration and returns its version.
pub fn down(owner: &mut PgConnection, migrations: EmbeddedMigrations) -> anyhow::Result<String> {
    become_owner(owner)?;
    owner.batch_execute(LOCK)?;
    let version =
        owner.revert_last_migration(migrations).map_err(|e| anyhow!(e)).context("a migration failed")?;
    Ok(version.to_string())
}
