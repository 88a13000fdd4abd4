//! A connection pool for one login role; runs blocking work on tokio's blocking threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::{Connection, PgConnection};
use r2d2::{ManageConnection, Pool};
use tokio::sync::Semaphore;

use guichet_base::{Error, Result};

/// Maximum number of requests that wait for a connection. Further ones are refused, since they would time out.
const MAX_WAITING: usize = 1_000;
/// Timeout of `Pool::get`. After an outage, r2d2's backoff between connection attempts grows up to half of it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A connection with a flag that it was found closed. r2d2 checks the flag when the connection is returned, without
/// a round trip; a test at every check-out would cost one.
pub(super) struct TrackedConnection {
    pub conn: PgConnection,
    pub is_closed: bool,
}

struct Connector {
    url: String,
}

impl ManageConnection for Connector {
    type Connection = TrackedConnection;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> std::result::Result<TrackedConnection, Self::Error> {
        let conn = PgConnection::establish(&self.url).map_err(diesel::r2d2::Error::ConnectionError)?;
        Ok(TrackedConnection { conn, is_closed: false })
    }

    fn is_valid(&self, pooled: &mut TrackedConnection) -> std::result::Result<(), Self::Error> {
        diesel::sql_query("SELECT 1")
            .execute(&mut pooled.conn)
            .map(drop)
            .map_err(diesel::r2d2::Error::QueryError)
    }

    fn has_broken(&self, pooled: &mut TrackedConnection) -> bool {
        pooled.is_closed || std::thread::panicking()
    }
}

/// A pool with a semaphore of its size, so that waiting for a connection is asynchronous and bounded.
pub struct ConnectionPool {
    name: &'static str,
    pool: Pool<Connector>,
    semaphore: Semaphore,
    size: usize,
    waiting: AtomicUsize,
    acquire_timeout: Duration,
}

impl ConnectionPool {
    pub(super) fn new(name: &'static str, url: &str, size: u32, acquire_timeout: Duration) -> Self {
        let size = size.max(1);
        let pool = Pool::builder()
            .max_size(size)
            .min_idle(Some(0))
            .test_on_check_out(false)
            .connection_timeout(CONNECT_TIMEOUT)
            .error_handler(Box::new(ConnectErrorLogger(name)))
            .build_unchecked(Connector { url: url.to_owned() });
        let size = size as usize;
        Self {
            name,
            pool,
            semaphore: Semaphore::new(size),
            size,
            waiting: AtomicUsize::new(0),
            acquire_timeout,
        }
    }

    /// Runs `work` with a connection on a blocking thread. A connection found closed (a restart of PostgreSQL
    /// closes all of a pool) is replaced, and `work` runs on the new one.
    pub(super) async fn run<T, F>(self: &std::sync::Arc<Self>, mut work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut PgConnection) -> Result<T> + Send + 'static,
    {
        let pool = std::sync::Arc::clone(self);
        let _permit = self.acquire_permit().await?;
        let span = tracing::Span::current();
        let task = tokio::task::spawn_blocking(move || span.in_scope(|| pool.run_with_retry(&mut work)));
        match task.await {
            Ok(result) => result,
            Err(join) if join.is_panic() => std::panic::resume_unwind(join.into_panic()),
            Err(join) => Err(Error::unavailable(join)),
        }
    }

    fn run_with_retry<T>(&self, work: &mut dyn FnMut(&mut PgConnection) -> Result<T>) -> Result<T> {
        // Each failed attempt discards one closed connection, so after at most `size` of them the next attempt gets a
        // new one.
        for _ in 0..=self.size {
            let mut pooled = self.check_out()?;
            match work(&mut pooled.conn) {
                Err(error) if super::pg_error::is_not_executed(&error) => pooled.is_closed = true,
                Err(error) => {
                    pooled.is_closed = super::pg_error::is_closed(&error);
                    return Err(error);
                }
                Ok(value) => return Ok(value),
            }
        }
        Err(Error::unavailable("every connection was closed"))
    }

    #[expect(clippy::disallowed_methods, reason = "the only place that takes a connection from the pool")]
    fn check_out(&self) -> Result<r2d2::PooledConnection<Connector>> {
        self.pool.get().map_err(Error::unavailable)
    }

    async fn acquire_permit(&self) -> Result<tokio::sync::SemaphorePermit<'_>> {
        if let Ok(permit) = self.semaphore.try_acquire() {
            return Ok(permit);
        }
        let _waiting = WaiterGuard::enter(&self.waiting)?;
        match tokio::time::timeout(self.acquire_timeout, self.semaphore.acquire()).await {
            Ok(permit) => permit.map_err(Error::unavailable),
            Err(elapsed) => Err(Error::unavailable(elapsed)),
        }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    pub fn size(&self) -> usize {
        self.size
    }

    pub fn in_use(&self) -> usize {
        self.size.saturating_sub(self.semaphore.available_permits())
    }

    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// Counts one waiting request until dropped, also if the request is cancelled.
struct WaiterGuard<'a>(&'a AtomicUsize);

impl<'a> WaiterGuard<'a> {
    fn enter(count: &'a AtomicUsize) -> Result<Self> {
        if count.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
            count.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::unavailable("too many requests wait for a connection"));
        }
        Ok(Self(count))
    }
}

impl Drop for WaiterGuard<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct ConnectErrorLogger(&'static str);

impl r2d2::HandleError<diesel::r2d2::Error> for ConnectErrorLogger {
    fn handle_error(&self, error: diesel::r2d2::Error) {
        let cause = match &error {
            diesel::r2d2::Error::ConnectionError(cause) => cause.to_string(),
            diesel::r2d2::Error::QueryError(DieselError::BrokenTransactionManager) => "closed".to_owned(),
            diesel::r2d2::Error::QueryError(cause) => cause.to_string(),
        };
        tracing::warn!(pool = self.0, cause, "failed to connect to PostgreSQL");
    }
}
