//! Events that other backends announce over Redis: on the channel `notifications.events`, and on the stream of that
//! name for producers that must not lose any. A Redis key and a channel may share a name.
//!
//! - An event takes effect once, however many processes listen: by its idempotency key, by its content and time, or
//!   by its place in the stream. A channel message with neither key nor time is processed by the process that claims
//!   it first.
//! - An entry of the stream is acknowledged only when its outcome is committed. While the database is unavailable,
//!   the stream keeps its entries; channel messages wait in memory, bounded in number, bytes and time.
//! - Redis may be unavailable at any time, also at the start: nothing else waits for it.

mod backoff;
mod channel;
mod link;
mod losses;
mod settle;
mod stream;
mod stream_reply;
mod wire;

use std::sync::Arc;
use std::time::{Duration, Instant};

use guichet_base::{Error, Result};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use secrecy::{ExposeSecret, SecretString};
use tokio_util::sync::CancellationToken;

use self::link::Link;
pub(super) use self::wire::announced;
use crate::notifications::Notifications;

/// The name of channel and stream, after the prefix.
pub const NAME: &str = "notifications.events";
/// How long Redis may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Receives events from one Redis. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    inner: Arc<Inner>,
}

struct Inner {
    notifications: Notifications,
    client: redis::Client,
    /// The name of channel and stream.
    name: String,
    channel: Link,
    stream: Link,
}

impl Intake {
    /// Does not connect yet. Errors: `url` is not a Redis URL.
    pub fn new(notifications: Notifications, url: &SecretString, prefix: &str) -> Result<Self> {
        let inner = Inner {
            notifications,
            client: redis::Client::open(url.expose_secret()).map_err(Error::internal)?,
            name: format!("{prefix}{NAME}"),
            channel: Link::new("channel"),
            stream: Link::new("stream"),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Receives events until `stop` is cancelled. Channel messages received by then are still processed.
    pub async fn run(self, stop: CancellationToken) {
        let inner = &*self.inner;
        tokio::join!(channel::run(inner, &stop), stream::run(inner, &stop));
    }

    /// The response time of Redis. Errors: `UNAVAILABLE` if it does not answer, or if no events can be received.
    pub async fn check(&self) -> Result<Duration> {
        let asked = Instant::now();
        ping(&self.inner.client).await?;
        for link in [&self.inner.channel, &self.inner.stream] {
            if !link.is_up() {
                return Err(Error::unavailable(format!("no events come from the Redis {}", link.way())));
            }
        }
        Ok(asked.elapsed())
    }
}

/// Pings Redis over a connection of its own. Errors: `UNAVAILABLE`.
pub async fn ping(client: &redis::Client) -> Result<()> {
    let mut connection = client.get_multiplexed_async_connection().await.map_err(Error::unavailable)?;
    redis::cmd("PING").exec_async(&mut connection).await.map_err(Error::unavailable)
}

impl Inner {
    /// A connection for short queries that reconnects by itself.
    fn questions(&self) -> Result<ConnectionManager> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            .set_number_of_retries(1);
        self.client.get_connection_manager_lazy(config).map_err(Error::internal)
    }
}
