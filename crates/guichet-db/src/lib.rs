//! Access to PostgreSQL: every query runs in a transaction that carries an actor.
//!
//! - The first statement of a request's transaction sets its actor, for that transaction only; row-level security
//!   reads it. A pooled connection can never carry one person's identity to the next request.
//! - A semaphore of the pool's size limits the users of the pool, so no thread blocks on it. A request that waits
//!   too long gets `UNAVAILABLE`.
//! - Callbacks of `Tx::after_commit` run right after the commit, on the thread that committed.

pub mod embedded;
pub mod migrate;
mod pg_error;
mod pool;
pub mod roles;
pub mod sql;
mod tx;

use std::sync::Arc;
use std::time::Duration;

use diesel::PgConnection;
pub use pg_error::{on_constraint, violated_constraint};
pub use pool::ConnectionPool;
pub use tx::{SystemTx, Tx, WorkerTx};

use guichet_base::id::TenantId;
use guichet_base::{Actor, Result};

/// The URLs of the two login roles of the service, and the sizes of their pools.
#[derive(Debug, Clone)]
pub struct DbSettings {
    /// libpq URL of `guichet_app`.
    pub app_url: String,
    /// libpq URL of `guichet_worker`.
    pub worker_url: String,
    pub app_connections: u32,
    pub worker_connections: u32,
    /// A second pool of `guichet_app`, for jobs within one tenant, so that requests never wait for jobs.
    pub job_connections: u32,
    /// How long a request waits for a connection before it gets `UNAVAILABLE`.
    pub acquire_timeout: Duration,
}

/// Cheap to clone; all clones share the pools.
#[derive(Clone)]
pub struct Db {
    app: Arc<ConnectionPool>,
    worker: Arc<ConnectionPool>,
    jobs: Arc<ConnectionPool>,
}

impl Db {
    /// Creates the pools without connecting. `/readyz` reports an unavailable database; requests get `UNAVAILABLE`.
    pub fn new(settings: &DbSettings) -> Self {
        Self {
            app: Arc::new(ConnectionPool::new(
                "app",
                &settings.app_url,
                settings.app_connections,
                settings.acquire_timeout,
            )),
            worker: Arc::new(ConnectionPool::new(
                "worker",
                &settings.worker_url,
                settings.worker_connections,
                settings.acquire_timeout,
            )),
            jobs: Arc::new(ConnectionPool::new(
                "jobs",
                &settings.app_url,
                settings.job_connections,
                settings.acquire_timeout,
            )),
        }
    }

    /// Reads as `actor`, in a read-only transaction with one snapshot for all queries.
    pub async fn read<T, F>(&self, actor: &Actor, mut work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let begin = tx::begin_as(actor, true);
        self.app.run(move |conn| tx::run_tx(conn, &begin, &mut work)).await
    }

    /// Writes as `actor`. `work` may run again as a whole, after a serialization failure, a deadlock, or a violated
    /// constraint of `RETRIED_CONSTRAINTS`. Effects outside the transaction belong in `after_commit`.
    pub async fn write<T, F>(&self, actor: &Actor, mut work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let begin = tx::begin_as(actor, false);
        self.app.run(move |conn| tx::run_tx(conn, &begin, &mut work)).await
    }

    /// Runs work across tenants on the queue tables, as `guichet_worker`. Unlike `write`, it is not retried.
    pub async fn worker<T, F>(&self, mut work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut WorkerTx<'_>) -> Result<T> + Send + 'static,
    {
        self.worker.run(move |conn| tx::run_worker_tx(conn, &mut work)).await
    }

    /// Runs work of a job in one tenant, with the role `system`. `work` may run again, as for `write`.
    pub async fn system<T, F>(&self, tenant: TenantId, mut work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let begin = tx::begin_as_system(tenant);
        self.jobs.run(move |conn| tx::run_tx(conn, &begin, &mut work)).await
    }

    /// Runs a query without an actor (such as a tenant look-up) as `guichet_app`. Policies hide every row, so only
    /// `SECURITY DEFINER` functions return data. `work` may run again after a lost connection: it must be idempotent.
    pub async fn anonymous<T, F>(&self, mut work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut PgConnection) -> Result<T> + Send + 'static,
    {
        self.app.run(move |conn| work(conn).map_err(pg_error::not_executed_if_closed)).await
    }

    pub fn pools(&self) -> [&ConnectionPool; 3] {
        [&self.app, &self.worker, &self.jobs]
    }
}
