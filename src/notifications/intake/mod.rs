//! Events that other backends announce over Redis: on the channel `notifications.events`, and on the stream of that
//! name, for producers that must not lose events. A Redis key and a channel may have the same name.
//!
//! - An event takes effect once, even if several processes receive it. It is identified by its idempotency key, by its
//!   content and time, or by its stream entry id. A channel message without key and time is processed by whichever process
//!   claims it first.
//! - An entry of the stream is acknowledged only when its outcome is committed. While the database is unavailable,
//!   entries stay in the stream; channel messages wait in memory, bounded in number, bytes and time.
//! - Redis may be unavailable at any time, also at the start: no other part of the service depends on it.

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

use self::link::ConnectionState;
pub(super) use self::wire::parse_event;
use crate::notifications::Notifications;

/// Name of the channel and of the stream, without the configured prefix.
pub const BASE_NAME: &str = "notifications.events";
/// Time limit for a reply from Redis.
const REDIS_TIMEOUT: Duration = Duration::from_secs(3);

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
    channel: ConnectionState,
    stream: ConnectionState,
}

impl Intake {
    /// Does not connect yet. Errors: `url` is not a Redis URL.
    pub fn new(notifications: Notifications, url: &SecretString, prefix: &str) -> Result<Self> {
        let inner = Inner {
            notifications,
            client: redis::Client::open(url.expose_secret()).map_err(Error::internal)?,
            name: format!("{prefix}{BASE_NAME}"),
            channel: ConnectionState::new("channel"),
            stream: ConnectionState::new("stream"),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Receives events until `stop` is cancelled. Channel messages received by then are still processed.
    pub async fn run(self, stop: CancellationToken) {
        let inner = &*self.inner;
        tokio::join!(channel::run(inner, &stop), stream::run(inner, &stop));
    }

    /// Measures the response time of Redis. Errors: `UNAVAILABLE` if Redis or an intake connection is down.
    pub async fn check(&self) -> Result<Duration> {
        let started = Instant::now();
        ping(&self.inner.client).await?;
        for connection_state in [&self.inner.channel, &self.inner.stream] {
            if !connection_state.is_up() {
                return Err(Error::unavailable(format!(
                    "no events come from the Redis {}",
                    connection_state.source()
                )));
            }
        }
        Ok(started.elapsed())
    }
}

/// Pings Redis over a new connection. Errors: `UNAVAILABLE`.
pub async fn ping(client: &redis::Client) -> Result<()> {
    let mut connection = client.get_multiplexed_async_connection().await.map_err(Error::unavailable)?;
    redis::cmd("PING").exec_async(&mut connection).await.map_err(Error::unavailable)
}

impl Inner {
    /// A connection for short commands, which reconnects automatically.
    fn command_connection(&self) -> Result<ConnectionManager> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(REDIS_TIMEOUT))
            .set_response_timeout(Some(REDIS_TIMEOUT))
            .set_number_of_retries(1);
        self.client.get_connection_manager_lazy(config).map_err(Error::internal)
    }
}
