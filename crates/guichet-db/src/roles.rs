//! The login roles: created by an administrator, and checked before the service starts.

use anyhow::{Context, bail};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

/// Creates or updates guichet's roles, and makes `guichet_owner` the owner of the current database. Idempotent.
/// `admin` must be a superuser, or a role that may create roles and owns the database.
pub fn create_or_update(admin: &mut PgConnection) -> anyhow::Result<()> {
    admin.batch_execute(include_str!("roles.sql")).context("failed to create the roles")
}

/// Sets the password of a login role.
pub fn set_password(admin: &mut PgConnection, role: &str, password: &str) -> anyhow::Result<()> {
    diesel::sql_query(
        "SELECT set_config('guichet.role', $1, false), set_config('guichet.password', $2, false)",
    )
    .bind::<Text, _>(role)
    .bind::<Text, _>(password)
    .execute(admin)?;
    // ALTER ROLE takes no parameters: format() quotes the password, and the setting keeps it out of the statement's
    // text.
    admin.batch_execute(
        "DO $$ BEGIN EXECUTE format('ALTER ROLE %I PASSWORD %L', current_setting('guichet.role'), \
         current_setting('guichet.password')); END $$; RESET guichet.password",
    )?;
    Ok(())
}

#[derive(QueryableByName)]
struct RoleRights {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    superuser: bool,
    #[diesel(sql_type = Bool)]
    bypasses: bool,
    #[diesel(sql_type = Bool)]
    owns: bool,
}

/// Returns an error if row-level security would not apply to the connection.
pub fn require_unprivileged(conn: &mut PgConnection) -> anyhow::Result<()> {
    let role: RoleRights = diesel::sql_query(
        "SELECT r.rolname::text AS name, r.rolsuper AS superuser, r.rolbypassrls AS bypasses, \
         EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid AND c.relkind IN ('r', 'p')) AS owns \
         FROM pg_roles r WHERE r.rolname = current_user",
    )
    .get_result(conn)?;
    let reason = match role {
        RoleRights { superuser: true, .. } => "it is a superuser",
        RoleRights { bypasses: true, .. } => "it bypasses row-level security",
        RoleRights { owns: true, .. } => "it owns tables",
        _ => return Ok(()),
    };
    bail!(
        "guichet refuses to serve as the database role {:?}: {reason}, and the rights in the database would not hold.\n\
         Create the roles with `guichet migrate --create-roles` and set DATABASE_URL to guichet_app and \
         DATABASE_WORKER_URL to guichet_worker.",
        role.name
    )
}

/// Switches the session to the role `guichet_owner`, which then owns what a migration creates.
pub fn become_owner(conn: &mut PgConnection) -> anyhow::Result<()> {
    conn.batch_execute("SET ROLE guichet_owner").context(
        "this role may not act as guichet_owner: create the roles with `guichet migrate --create-roles`",
    )
}
