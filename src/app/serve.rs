//! Serves HTTP and sockets, from the listening socket to the graceful stop.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use actix_web::HttpServer;
use actix_web::dev::ServerHandle;
use anyhow::Context;

use super::App;
use super::routes::AppFactory;
use crate::app::tcp_options;

/// Bytes that actix buffers for a slow reader, per connection.
const WRITE_BUFFER_BYTES: usize = 16 * 1024;
/// Time for load balancers to notice that the process is no longer ready.
const DRAIN_DELAY: Duration = Duration::from_millis(500);
/// Period over which sockets are asked to reconnect, so that they do not return all at once.
const RECONNECT_SPREAD: Duration = Duration::from_secs(3);

/// A running service.
pub struct RunningService {
    pub app: App,
    pub address: SocketAddr,
    handle: ServerHandle,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
}

/// Starts serving on `BIND`. Must run inside a tokio runtime.
pub fn start(app: App) -> anyhow::Result<RunningService> {
    let bind = app.config.server.bind;
    let listener = TcpListener::bind(bind).with_context(|| {
        format!("{bind} is not free: another program listens there. Set BIND to another address, 127.0.0.1:8081 say")
    })?;
    let address = listener.local_addr()?;
    let site = AppFactory::new(app.clone())?;
    let server = HttpServer::new(move || site.build())
        .workers(app.config.server.workers())
        .h1_write_buffer_size(WRITE_BUFFER_BYTES)
        .tcp_nodelay(true)
        .on_connect(tcp_options::set_options)
        .disable_signals()
        .shutdown_timeout(app.config.server.shutdown_grace_secs)
        .listen(listener)?
        .run();
    let handle = server.handle();
    app.spawn_tasks();
    let server = app.lifecycle.tracker().spawn(server);
    Ok(RunningService { app, address, handle, server })
}

impl RunningService {
    /// Stops within `SHUTDOWN_GRACE_SECS`, in order: not ready, no new sockets, sockets asked to reconnect, requests
    /// finished, tasks ended.
    pub async fn stop(self) -> anyhow::Result<()> {
        let grace = Duration::from_secs(self.app.config.server.shutdown_grace_secs);
        let deadline = Instant::now() + grace;
        let left = || deadline.saturating_duration_since(Instant::now());
        self.app.readiness.start_draining();
        if self.app.realtime.connection_count() > 0 {
            tokio::time::sleep(DRAIN_DELAY.min(grace / 10)).await;
        }
        self.app.realtime.drain(RECONNECT_SPREAD.min(grace / 4)).await;
        let stopping = self.handle.stop(true);
        // The last fifth is reserved for tasks that write what sockets and requests left.
        if tokio::time::timeout(left().saturating_sub(grace / 5), stopping).await.is_err() {
            tracing::warn!("requests were still running at the stop");
            self.handle.stop(false).await;
        }
        self.app.lifecycle.stop(left()).await;
        self.server.await?.context("the server failed")
    }
}
