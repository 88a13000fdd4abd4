//! Transactions that carry an actor.

use diesel::PgConnection;
use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use guichet_base::id::TenantId;
use guichet_base::{Actor, Error, Result};

use crate::pg_error;

/// Maximum number of runs of a transaction, including the first, if it fails with a retriable error.
const MAX_ATTEMPTS: usize = 5;

type AfterCommit = Box<dyn FnOnce() + Send>;

/// A transaction of one actor. Row-level security applies the actor's rights to every statement.
pub struct Tx<'c> {
    conn: &'c mut PgConnection,
    actor_role: &'static str,
    phase: TxPhase,
    after_commit: Vec<AfterCommit>,
}

#[derive(Clone, Copy, PartialEq)]
enum TxPhase {
    Actor,
    System,
}

impl<'c> Tx<'c> {
    /// The connection, for `store` functions.
    pub fn conn(&mut self) -> &mut PgConnection {
        if self.phase == TxPhase::System {
            // If this fails, PostgreSQL has aborted the transaction, and every later statement fails.
            match set_role(self.conn, self.actor_role) {
                Ok(()) => self.phase = TxPhase::Actor,
                Err(error) => tracing::warn!(%error, "failed to restore the role of the actor"),
            }
        }
        self.conn
    }

    /// Runs effects of an action on other people (counters, outbox, activity) with `app.role = 'system'` in the same
    /// tenant and transaction. Row-level security hides messages from `system`.
    pub fn as_system<T>(&mut self, work: impl FnOnce(&mut SystemTx<'_>) -> Result<T>) -> Result<T> {
        if self.phase == TxPhase::Actor && self.actor_role != "system" {
            set_role(self.conn, "system")?;
            self.phase = TxPhase::System;
        }
        work(&mut SystemTx { conn: self.conn })
    }

    /// Runs `callback` on this thread right after the commit; never if the commit fails.
    pub fn after_commit(&mut self, callback: impl FnOnce() + Send + 'static) {
        self.after_commit.push(Box::new(callback));
    }

    /// Runs `work` in a savepoint: if it fails, only its own changes are rolled back.
    pub fn savepoint<T>(&mut self, work: impl FnOnce(&mut PgConnection) -> Result<T>) -> Result<T> {
        use diesel::Connection;
        self.conn().transaction(work)
    }
}

/// The system phase of a transaction. `tests/it/architecture/sql.rs` restricts it to outbox, activity and counters.
pub struct SystemTx<'t> {
    conn: &'t mut PgConnection,
}

impl SystemTx<'_> {
    pub fn conn(&mut self) -> &mut PgConnection {
        self.conn
    }
}

/// A transaction of the service itself, as `guichet_worker`.
pub struct WorkerTx<'c> {
    conn: &'c mut PgConnection,
}

impl WorkerTx<'_> {
    pub fn conn(&mut self) -> &mut PgConnection {
        self.conn
    }
}

/// The statements that begin an actor's transaction, in one round trip. All statements of a read-only transaction see
/// the same snapshot. The text contains only UUIDs and enum names, so nothing needs quoting.
pub(super) fn begin_as(actor: &Actor, read_only: bool) -> TxStart {
    let sql = format!(
        "BEGIN{}; SELECT set_config('app.tenant_id', '{}', true), set_config('app.user_id', '{}', true), \
         set_config('app.role', '{}', true)",
        if read_only { " ISOLATION LEVEL REPEATABLE READ READ ONLY" } else { "" },
        actor.tenant,
        actor.user,
        actor.role.into_str(),
    );
    TxStart { sql, actor_role: actor.role.into_str() }
}

/// The same for a job in one tenant, as `system`. Disables generic plans (`force_custom_plan`): the statements of
/// jobs are large, and a generic plan for one batch of an audience would read the whole audience each time.
pub(super) fn begin_as_system(tenant: TenantId) -> TxStart {
    let sql = format!(
        "BEGIN; SELECT set_config('app.tenant_id', '{tenant}', true), set_config('app.user_id', '', true), \
         set_config('app.role', 'system', true), \
         set_config('plan_cache_mode', 'force_custom_plan', true)"
    );
    TxStart { sql, actor_role: "system" }
}

/// The SQL that begins a transaction, and the role of its actor.
pub(super) struct TxStart {
    sql: String,
    actor_role: &'static str,
}

pub(super) fn run_tx<T>(
    conn: &mut PgConnection,
    begin: &TxStart,
    work: &mut dyn FnMut(&mut Tx<'_>) -> Result<T>,
) -> Result<T> {
    let mut tries = 0;
    loop {
        tries += 1;
        AnsiTransactionManager::begin_transaction_sql(conn, &begin.sql).map_err(pg_error::not_begun_error)?;
        let mut tx =
            Tx { conn, actor_role: begin.actor_role, phase: TxPhase::Actor, after_commit: Vec::new() };
        let result = work(&mut tx);
        let after_commit = std::mem::take(&mut tx.after_commit);
        match commit_or_rollback(conn, result) {
            Ok(value) => {
                for callback in after_commit {
                    callback();
                }
                return Ok(value);
            }
            Err(error) if tries < MAX_ATTEMPTS && pg_error::is_retriable(&error) => {
                tracing::debug!(%error, tries, "transaction failed and is retried");
            }
            Err(error) => return Err(error),
        }
    }
}

pub(super) fn run_worker_tx<T>(
    conn: &mut PgConnection,
    work: &mut dyn FnMut(&mut WorkerTx<'_>) -> Result<T>,
) -> Result<T> {
    AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN").map_err(pg_error::not_begun_error)?;
    let result = work(&mut WorkerTx { conn });
    commit_or_rollback(conn, result)
}

fn commit_or_rollback<T>(conn: &mut PgConnection, result: Result<T>) -> Result<T> {
    match result {
        Ok(value) => {
            AnsiTransactionManager::commit_transaction(conn)?;
            Ok(value)
        }
        Err(error) => {
            if let Err(rollback_error) = AnsiTransactionManager::rollback_transaction(conn) {
                return Err(Error::unavailable(rollback_error));
            }
            Err(error)
        }
    }
}

fn set_role(conn: &mut PgConnection, role: &'static str) -> Result<()> {
    conn.batch_execute(&format!("SELECT set_config('app.role', '{role}', true)"))?;
    Ok(())
}
