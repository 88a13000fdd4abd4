//! From a listening socket to the last answer.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use actix_web::HttpServer;
use actix_web::dev::ServerHandle;
use anyhow::Context;

use super::App;
use super::routes::Site;
use crate::app::tcp_options;

/// Bytes that wait for a slow reader inside actix, per connection.
const WRITE_BUFFER_BYTES: usize = 16 * 1024;
/// How long a load balancer is given to see that the process is not ready any more.
const LAME_DUCK: Duration = Duration::from_millis(500);
/// Over how long sockets are told to come back, so that they do not come all at once.
const SPREAD: Duration = Duration::from_secs(3);

/// A service that answers.
pub struct RunningService {
    pub app: App,
    pub address: SocketAddr,
    handle: ServerHandle,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
}

/// Starts answering on `BIND`. Runs inside a tokio runtime.
pub fn start(app: App) -> anyhow::Result<RunningService> {
    let bind = app.config.server.bind;
    let listener = TcpListener::bind(bind).with_context(|| {
        format!("{bind} is not free: another program listens there. Set BIND to another address, 127.0.0.1:8081 say")
    })?;
    let address = listener.local_addr()?;
    let site = Site::new(app.clone())?;
    let server = HttpServer::new(move || site.build())
        .workers(app.config.server.workers())
        .h1_write_buffer_size(WRITE_BUFFER_BYTES)
        .tcp_nodelay(true)
        .on_connect(tcp_options::prepare)
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
    /// Stops within `SHUTDOWN_GRACE_SECS`, in order: not ready, no new sockets, each socket told to come back, requests finished, tasks ended.
    pub async fn stop(self) -> anyhow::Result<()> {
        let grace = Duration::from_secs(self.app.config.server.shutdown_grace_secs);
        let deadline = Instant::now() + grace;
        let left = || deadline.saturating_duration_since(Instant::now());
        self.app.readiness.drain();
        if self.app.realtime.connections() > 0 {
            tokio::time::sleep(LAME_DUCK.min(grace / 10)).await;
        }
        self.app.realtime.drain(SPREAD.min(grace / 4)).await;
        let stopping = self.handle.stop(true);
        // The last fifth is for the tasks: what sockets and requests left to be written.
        if tokio::time::timeout(left().saturating_sub(grace / 5), stopping).await.is_err() {
            tracing::warn!("requests were still running at the stop");
            self.handle.stop(false).await;
        }
        self.app.lifecycle.stop(left()).await;
        self.server.await?.context("the server failed")
    }
}
