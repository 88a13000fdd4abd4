//! The Redis channel: subscribers receive messages once, and nothing is stored for absent ones.
//!
//! One task empties the connection at once, since unread messages would accumulate without bound; another processes
//! the queue in order. Messages that find the queue full, or that waited too long for the database, are lost, counted
//! and logged.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use guichet_base::{Error, Result};
use redis::aio::{ConnectionManager, PubSub};
use redis::{ErrorKind, RedisError, RedisResult};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::losses::Losses;
use super::settle::{IntakeOutcome, Received, count, settle};
use super::{Inner, PATIENCE, wire};
use crate::notifications::model::EventSource;

/// Messages that may be queued.
const QUEUE: usize = 1_000;
const QUEUE_BYTES: usize = 16 * 1024 * 1024;
/// How long a message waits for an unavailable database.
const KEPT: Duration = Duration::from_secs(60);
/// How often an idle connection is checked.
const PING_EVERY: Duration = Duration::from_secs(10);

struct Message {
    text: Vec<u8>,
    came: Instant,
}

/// The sending end of the queue.
struct Inlet<'a> {
    queue: mpsc::Sender<Message>,
    held_bytes: &'a AtomicUsize,
    losses: Losses,
}

pub(super) async fn run(inner: &Inner, stop: &CancellationToken) {
    let (queue, waiting) = mpsc::channel(QUEUE);
    let held_bytes = AtomicUsize::new(0);
    let inlet = Inlet { queue, held_bytes: &held_bytes, losses: Losses::default() };
    tokio::join!(listen(inner, inlet, stop), work(inner, waiting, &held_bytes, stop));
}

async fn listen(inner: &Inner, mut inlet: Inlet<'_>, stop: &CancellationToken) {
    let mut backoff = Backoff::new();
    loop {
        match hear(inner, &mut inlet, &mut backoff, stop).await {
            Ok(()) => return,
            Err(error) => inner.channel.down(&error),
        }
        if !backoff.wait(stop).await {
            return;
        }
    }
}

/// Receives until the connection breaks or `stop` is cancelled.
async fn hear(
    inner: &Inner,
    inlet: &mut Inlet<'_>,
    backoff: &mut Backoff,
    stop: &CancellationToken,
) -> RedisResult<()> {
    let Some(subscribed) = stop.run_until_cancelled(in_time(subscribe(inner))).await else { return Ok(()) };
    let (mut sink, mut messages) = subscribed?.split();
    inner.channel.up();
    backoff.reset();
    let mut ping = interval(PING_EVERY);
    loop {
        tokio::select! {
            message = messages.next() => match message {
                Some(message) => inlet.take(message.get_payload_bytes()),
                None => return Err(broken("the connection was closed")),
            },
            _ = ping.tick() => in_time(sink.ping::<redis::Value>()).await.map(drop)?,
            () = stop.cancelled() => return Ok(()),
        }
    }
}

async fn subscribe(inner: &Inner) -> RedisResult<PubSub> {
    let mut pubsub = inner.client.get_async_pubsub().await?;
    pubsub.subscribe(&inner.name).await?;
    Ok(pubsub)
}

async fn in_time<T>(asking: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    timeout(PATIENCE, asking).await.unwrap_or_else(|_| Err(broken("no answer")))
}

fn broken(why: &'static str) -> RedisError {
    RedisError::from((ErrorKind::Io, why))
}

impl Inlet<'_> {
    fn take(&mut self, text: &[u8]) {
        let held = self.held_bytes.load(Ordering::Relaxed);
        let has_room = held == 0 || held + text.len() <= QUEUE_BYTES;
        let message = Message { text: text.to_vec(), came: Instant::now() };
        // Counted before the other task can take it out.
        self.held_bytes.fetch_add(text.len(), Ordering::Relaxed);
        if has_room && self.queue.try_send(message).is_ok() {
            return;
        }
        self.held_bytes.fetch_sub(text.len(), Ordering::Relaxed);
        lose(&mut self.losses, &Error::unavailable("too many messages wait"));
    }
}

fn lose(losses: &mut Losses, error: &Error) {
    count(EventSource::Channel, IntakeOutcome::Lost);
    if let Some(lost) = losses.add() {
        tracing::warn!(event.source = "channel", lost, %error, "events of the Redis channel were lost");
    }
}

async fn work(
    inner: &Inner,
    mut waiting: mpsc::Receiver<Message>,
    held_bytes: &AtomicUsize,
    stop: &CancellationToken,
) {
    let mut worker = Worker { inner, questions: None, losses: Losses::default(), stop };
    while let Some(message) = waiting.recv().await {
        held_bytes.fetch_sub(message.text.len(), Ordering::Relaxed);
        worker.deal(message).await;
    }
}

struct Worker<'a> {
    inner: &'a Inner,
    /// Opened on first use.
    questions: Option<ConnectionManager>,
    losses: Losses,
    stop: &'a CancellationToken,
}

impl Worker<'_> {
    async fn deal(&mut self, message: Message) {
        let hash: String = Sha256::digest(&message.text).iter().map(|byte| format!("{byte:02x}")).collect();
        let body = wire::of_text(&message.text);
        let is_named = body.as_ref().is_ok_and(wire::is_named);
        let received = Received { source: EventSource::Channel, body, name: is_named.then(|| hash.clone()) };
        let mut is_ours = is_named || received.body.is_err();
        let (mut tries, mut backoff) = (0, Backoff::new());
        let error = loop {
            tries += 1;
            let tried = match is_ours {
                true => settle(&self.inner.notifications, &received, tries).await.map(drop),
                false => match self.claim(&hash).await {
                    Ok(true) => {
                        is_ours = true;
                        tries = 0;
                        continue;
                    }
                    Ok(false) => return count(EventSource::Channel, IntakeOutcome::Repeated),
                    Err(error) => Err(error),
                },
            };
            let Err(error) = tried else { return };
            if message.came.elapsed() >= KEPT || !backoff.wait(self.stop).await {
                break error;
            }
        };
        lose(&mut self.losses, &error);
    }

    /// Claims a message that every process received and that has no identity of its own: the first process to claim
    /// it wins.
    async fn claim(&mut self, hash: &str) -> Result<bool> {
        let questions = match &mut self.questions {
            Some(questions) => questions,
            None => self.questions.insert(self.inner.questions()?),
        };
        let mut set = redis::cmd("SET");
        set.arg(format!("{}:once:{hash}", self.inner.name)).arg(1).arg("NX").arg("EX").arg(KEPT.as_secs());
        let set: Option<String> = set.query_async(questions).await.map_err(Error::unavailable)?;
        Ok(set.is_some())
    }
}
