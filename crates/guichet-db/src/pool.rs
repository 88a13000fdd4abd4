//! A connection pool of one login role, and the threads that use it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::{Connection, PgConnection};
use r2d2::{ManageConnection, Pool};
use tokio::sync::Semaphore;

use guichet_base::{Error, Result};

/// Requests that may wait for a connection at once. More are refused, since they would time out anyway.
const MAX_WAITING: usize = 1_000;
/// Timeout of a new connection. The backoff of a pool after an outage grows to half of it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A connection that remembers whether it was found closed. r2d2 reads this at check-in and opens a new one, without
/// a round trip; testing at every check-out would cost one each.
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

/// A pool behind a semaphore of its size.
pub struct ConnectionPool {
    name: &'static str,
    pool: Pool<Connector>,
    permits: Semaphore,
    size: usize,
    waiting: AtomicUsize,
    acquire_timeout: Duration,
}

impl ConnectionPool {
    pub(super) fn new(name: &'static str, url: &str, size: u32, wait: Duration) -> Self {
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
            permits: Semaphore::new(size),
            size,
            waiting: AtomicUsize::new(0),
            acquire_timeout: wait,
        }
    }

    /// Runs `work` with a connection, on a thread that may block. A connection found closed (a restarted PostgreSQL
    /// leaves a pool full of them) is replaced before `work` has run.
    pub(super) async fn run<T, F>(self: &std::sync::Arc<Self>, mut work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut PgConnection) -> Result<T> + Send + 'static,
    {
        let lane = std::sync::Arc::clone(self);
        let _permit = self.acquire_permit().await?;
        let span = tracing::Span::current();
        let task = tokio::task::spawn_blocking(move || span.in_scope(|| lane.run_with_retry(&mut work)));
        match task.await {
            Ok(result) => result,
            Err(join) if join.is_panic() => std::panic::resume_unwind(join.into_panic()),
            Err(join) => Err(Error::unavailable(join)),
        }
    }

    fn run_with_retry<T>(&self, work: &mut dyn FnMut(&mut PgConnection) -> Result<T>) -> Result<T> {
        // Each failed attempt discards one closed connection, so after at most `size` of them the next attempt gets a new
        // one.
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

    #[expect(clippy::disallowed_methods, reason = "the one place that takes a connection from the pool")]
    fn check_out(&self) -> Result<r2d2::PooledConnection<Connector>> {
        self.pool.get().map_err(Error::unavailable)
    }

    async fn acquire_permit(&self) -> Result<tokio::sync::SemaphorePermit<'_>> {
        if let Ok(permit) = self.permits.try_acquire() {
            return Ok(permit);
        }
        let _waiting = WaiterGuard::enter(&self.waiting)?;
        match tokio::time::timeout(self.acquire_timeout, self.permits.acquire()).await {
            Ok(permit) => permit.map_err(Error::unavailable),
            Err(late) => Err(Error::unavailable(late)),
        }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    pub fn size(&self) -> usize {
        self.size
    }

    pub fn in_use(&self) -> usize {
        self.size.saturating_sub(self.permits.available_permits())
    }

    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// Counts one waiter until dropped: a cancelled request stops waiting too.
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
        tracing::warn!(pool = self.0, cause, "no connection to PostgreSQL");
    }
}
