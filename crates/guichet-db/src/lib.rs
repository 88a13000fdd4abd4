//! PostgreSQL, and the only way to it: a transaction that carries an actor.
//!
//! - Every request's work runs in one transaction whose first statement says who acts, for that transaction only;
//!   row-level security reads it. A pooled connection can never carry one person's identity to the next.
//! - A pool's connections are handed out through a semaphore of its size, so no thread ever queues on the pool;
//!   who waits too long gets `UNAVAILABLE`.
//! - What a commit causes in this process (`Tx::after_commit`) runs right after it, on the thread that committed.

pub mod embedded;
mod failure;
pub mod migrate;
mod pool;
pub mod roles;
pub mod sql;
mod tx;

use std::sync::Arc;
use std::time::Duration;

use diesel::PgConnection;
pub use failure::{constraint, on_constraint};
pub use pool::Lane;
pub use tx::{SystemTx, Tx, WorkerTx};

use guichet_base::id::TenantId;
use guichet_base::{Actor, Result};

/// Where the two login roles of the service connect, and how many connections each may hold.
#[derive(Debug, Clone)]
pub struct DbSettings {
    /// libpq URL of `guichet_app`.
    pub app_url: String,
    /// libpq URL of `guichet_worker`.
    pub worker_url: String,
    pub app_connections: u32,
    pub worker_connections: u32,
    /// Of `guichet_app` too, for jobs that act in one tenant: no request waits for them.
    pub job_connections: u32,
    /// How long a request waits for a connection before it is told `UNAVAILABLE`.
    pub wait: Duration,
}

/// Cheap to clone; all clones share the pools.
#[derive(Clone)]
pub struct Db {
    app: Arc<Lane>,
    worker: Arc<Lane>,
    jobs: Arc<Lane>,
}

impl Db {
    /// Makes the pools without connecting: a database that is away shows in `ready` and in answers, not here.
    pub fn new(settings: &DbSettings) -> Self {
        Self {
            app: Arc::new(Lane::new("app", &settings.app_url, settings.app_connections, settings.wait)),
            worker: Arc::new(Lane::new(
                "worker",
                &settings.worker_url,
                settings.worker_connections,
                settings.wait,
            )),
            jobs: Arc::new(Lane::new("jobs", &settings.app_url, settings.job_connections, settings.wait)),
        }
    }

    /// Reads as `actor`, in a read-only transaction: one trip to begin and to say who acts, one a query.
    pub async fn read<T, F>(&self, actor: &Actor, mut work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let begin = tx::begin_as(actor, true);
        self.app.run(move |conn| tx::run(conn, &begin, &mut work)).await
    }

    /// Writes as `actor`. `work` may run again, whole, after a serialization failure, a deadlock or a lost race on
    /// a constraint it names retriable, so what it does outside the transaction belongs in `after_commit`.
    pub async fn write<T, F>(&self, actor: &Actor, mut work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let begin = tx::begin_as(actor, false);
        self.app.run(move |conn| tx::run(conn, &begin, &mut work)).await
    }

    /// Work of the service itself on its queue tables, as `guichet_worker`.
    pub async fn worker<T, F>(&self, mut work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut WorkerTx<'_>) -> Result<T> + Send + 'static,
    {
        self.worker.run(move |conn| tx::run_worker(conn, &mut work)).await
    }

    /// Work that nobody asked for, in one tenant: a job's, as `system`. It may run again, as `write`'s.
    pub async fn system<T, F>(&self, tenant: TenantId, mut work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let begin = tx::begin_as_system(tenant);
        self.jobs.run(move |conn| tx::run(conn, &begin, &mut work)).await
    }

    /// A question asked before anybody acts (which tenant is this?), as `guichet_app` with no actor: policies show
    /// it no row, so only functions made for it answer. It may be asked again after a lost connection, so what it changes must
    /// bear that.
    pub async fn anonymous<T, F>(&self, mut work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut PgConnection) -> Result<T> + Send + 'static,
    {
        self.app.run(move |conn| work(conn).map_err(failure::unanswered)).await
    }

    pub fn lanes(&self) -> [&Lane; 3] {
        [&self.app, &self.worker, &self.jobs]
    }
}
