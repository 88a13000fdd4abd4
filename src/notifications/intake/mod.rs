//! Events that other backends announce over Redis: the channel `notifications.events`, and the stream of that name for
//! producers that must not lose any. A key and a channel may share a name.
//!
//! - However many processes listen, an event acts once: by its idempotency key, by what it says at which time, by its
//!   place in the stream; a message of the channel with neither key nor time goes to whoever claims it first.
//! - An entry of the stream is acknowledged only when what became of it is committed. While the database is away the
//!   stream keeps it; the channel keeps nothing, so its messages wait in memory, bounded in number, bytes and time.
//! - Redis may be away at any time, and from the start: nothing else waits for it.

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

/// What channel and stream are called, after the prefix.
pub const NAME: &str = "notifications.events";
/// How long Redis may take for an answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Takes events from one Redis. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    inner: Arc<Inner>,
}

struct Inner {
    notifications: Notifications,
    client: redis::Client,
    /// Of channel and stream.
    name: String,
    channel: Link,
    stream: Link,
}

impl Intake {
    /// Connects nothing yet. Fails where `url` is none of Redis.
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

    /// Takes events until told to stop; what was taken from the channel by then is still dealt with.
    pub async fn run(self, stop: CancellationToken) {
        let inner = &*self.inner;
        tokio::join!(channel::run(inner, &stop), stream::run(inner, &stop));
    }

    /// How long Redis took to answer. Errors: `UNAVAILABLE` where it does not, or events do not come in.
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

/// One question to Redis over a connection of its own. Errors: `UNAVAILABLE`.
pub async fn ping(client: &redis::Client) -> Result<()> {
    let mut connection = client.get_multiplexed_async_connection().await.map_err(Error::unavailable)?;
    redis::cmd("PING").exec_async(&mut connection).await.map_err(Error::unavailable)
}

impl Inner {
    /// A connection that comes back by itself, for short questions.
    fn questions(&self) -> Result<ConnectionManager> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            .set_number_of_retries(1);
        self.client.get_connection_manager_lazy(config).map_err(Error::internal)
    }
}
