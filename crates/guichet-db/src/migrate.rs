//! Runs migrations, always as the role `guichet_owner`.

use super::roles::become_owner;
use anyhow::{Context, anyhow};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};

/// Advisory lock for the time of a migration, since several processes may start at once.
const LOCK: &str = "SELECT pg_advisory_lock(hashtext('guichet.migrate'))";

/// Runs pending migrations and returns their versions. New objects belong to `guichet_owner`, whatever role `conn`
/// is logged in with.
pub fn up(conn: &mut PgConnection, migrations: EmbeddedMigrations) -> anyhow::Result<Vec<String>> {
    become_owner(conn)?;
    conn.batch_execute(LOCK)?;
    let versions =
        conn.run_pending_migrations(migrations).map_err(|e| anyhow!(e)).context("a migration failed")?;
    Ok(versions.iter().map(ToString::to_string).collect())
}

/// Reverts the newest migration and returns its version.
pub fn down(conn: &mut PgConnection, migrations: EmbeddedMigrations) -> anyhow::Result<String> {
    become_owner(conn)?;
    conn.batch_execute(LOCK)?;
    let version =
        conn.revert_last_migration(migrations).map_err(|e| anyhow!(e)).context("a migration failed")?;
    Ok(version.to_string())
}
