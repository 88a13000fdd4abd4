//! Intake from a Redis Pub/Sub channel: each connected subscriber receives a message once; Redis stores none.
//!
//! One task reads the connection without delay, since Redis would buffer unread messages; another processes
//! the queue in order. Messages that arrive at a full queue, or waited too long for the database, are dropped, counted
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
use super::losses::LossLog;
use super::settle::{IntakeOutcome, Received, count, process_event};
use super::{Inner, REDIS_TIMEOUT, wire};
use crate::notifications::model::EventSource;

/// Maximum number of queued messages.
const MAX_QUEUED_MESSAGES: usize = 1_000;
const MAX_QUEUED_BYTES: usize = 16 * 1024 * 1024;
/// How long a message waits for an unavailable database.
const MAX_MESSAGE_WAIT: Duration = Duration::from_secs(60);
/// How often an idle connection is checked.
const PING_INTERVAL: Duration = Duration::from_secs(10);

struct Message {
    text: Vec<u8>,
    received_at: Instant,
}

/// The sending end of the queue.
struct QueueSender<'a> {
    queue: mpsc::Sender<Message>,
    queued_bytes: &'a AtomicUsize,
    losses: LossLog,
}

pub(super) async fn run(inner: &Inner, stop: &CancellationToken) {
    let (queue, waiting) = mpsc::channel(MAX_QUEUED_MESSAGES);
    let held_bytes = AtomicUsize::new(0);
    let inlet = QueueSender { queue, queued_bytes: &held_bytes, losses: LossLog::default() };
    tokio::join!(listen(inner, inlet, stop), process_queue(inner, waiting, &held_bytes, stop));
}

async fn listen(inner: &Inner, mut inlet: QueueSender<'_>, stop: &CancellationToken) {
    let mut backoff = Backoff::new();
    loop {
        match receive(inner, &mut inlet, &mut backoff, stop).await {
            Ok(()) => return,
            Err(error) => inner.channel.set_down(&error),
        }
        if !backoff.wait(stop).await {
            return;
        }
    }
}

/// Receives until the connection breaks or `stop` is cancelled.
async fn receive(
    inner: &Inner,
    inlet: &mut QueueSender<'_>,
    backoff: &mut Backoff,
    stop: &CancellationToken,
) -> RedisResult<()> {
    let Some(subscribed) = stop.run_until_cancelled(with_timeout(subscribe(inner))).await else {
        return Ok(());
    };
    let (mut sink, mut messages) = subscribed?.split();
    inner.channel.set_up();
    backoff.reset();
    let mut ping = interval(PING_INTERVAL);
    loop {
        tokio::select! {
            message = messages.next() => match message {
                Some(message) => inlet.enqueue(message.get_payload_bytes()),
                None => return Err(io_error("the connection was closed")),
            },
            _ = ping.tick() => with_timeout(sink.ping::<redis::Value>()).await.map(drop)?,
            () = stop.cancelled() => return Ok(()),
        }
    }
}

async fn subscribe(inner: &Inner) -> RedisResult<PubSub> {
    let mut pubsub = inner.client.get_async_pubsub().await?;
    pubsub.subscribe(&inner.name).await?;
    Ok(pubsub)
}

async fn with_timeout<T>(operation: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    timeout(REDIS_TIMEOUT, operation).await.unwrap_or_else(|_| Err(io_error("Redis did not answer in time")))
}

fn io_error(why: &'static str) -> RedisError {
    RedisError::from((ErrorKind::Io, why))
}

impl QueueSender<'_> {
    fn enqueue(&mut self, text: &[u8]) {
        let queued_bytes = self.queued_bytes.load(Ordering::Relaxed);
        let has_room = queued_bytes == 0 || queued_bytes + text.len() <= MAX_QUEUED_BYTES;
        let message = Message { text: text.to_vec(), received_at: Instant::now() };
        // Counted before the other task can take it out.
        self.queued_bytes.fetch_add(text.len(), Ordering::Relaxed);
        if has_room && self.queue.try_send(message).is_ok() {
            return;
        }
        self.queued_bytes.fetch_sub(text.len(), Ordering::Relaxed);
        record_loss(&mut self.losses, &Error::unavailable("the intake queue is full"));
    }
}

fn record_loss(losses: &mut LossLog, error: &Error) {
    count(EventSource::Channel, IntakeOutcome::Lost);
    if let Some(lost) = losses.add() {
        tracing::warn!(event.source = "channel", lost, %error, "events of the Redis channel were dropped");
    }
}

async fn process_queue(
    inner: &Inner,
    mut queued: mpsc::Receiver<Message>,
    held_bytes: &AtomicUsize,
    stop: &CancellationToken,
) {
    let mut worker = Worker { inner, connection: None, losses: LossLog::default(), stop };
    while let Some(message) = queued.recv().await {
        held_bytes.fetch_sub(message.text.len(), Ordering::Relaxed);
        worker.process(message).await;
    }
}

struct Worker<'a> {
    inner: &'a Inner,
    /// Opened on first use.
    connection: Option<ConnectionManager>,
    losses: LossLog,
    stop: &'a CancellationToken,
}

impl Worker<'_> {
    async fn process(&mut self, message: Message) {
        let hash: String = Sha256::digest(&message.text).iter().map(|byte| format!("{byte:02x}")).collect();
        let body = wire::parse_text(&message.text);
        let is_named = body.as_ref().is_ok_and(wire::has_identity);
        let received =
            Received { source: EventSource::Channel, body, dedup_key: is_named.then(|| hash.clone()) };
        let mut is_claimed = is_named || received.body.is_err();
        let (mut attempt, mut backoff) = (0, Backoff::new());
        let error = loop {
            attempt += 1;
            let result = match is_claimed {
                true => process_event(&self.inner.notifications, &received, attempt).await.map(drop),
                false => match self.claim(&hash).await {
                    Ok(true) => {
                        is_claimed = true;
                        attempt = 0;
                        continue;
                    }
                    Ok(false) => return count(EventSource::Channel, IntakeOutcome::Repeated),
                    Err(error) => Err(error),
                },
            };
            let Err(error) = result else { return };
            if message.received_at.elapsed() >= MAX_MESSAGE_WAIT || !backoff.wait(self.stop).await {
                break error;
            }
        };
        record_loss(&mut self.losses, &error);
    }

    /// Claims, in Redis, a message without key and time that every process received. Returns whether this process is
    /// the first.
    async fn claim(&mut self, hash: &str) -> Result<bool> {
        let connection = match &mut self.connection {
            Some(questions) => questions,
            None => self.connection.insert(self.inner.command_connection()?),
        };
        let mut claim = redis::cmd("SET");
        claim
            .arg(format!("{}:once:{hash}", self.inner.name))
            .arg(1)
            .arg("NX")
            .arg("EX")
            .arg(MAX_MESSAGE_WAIT.as_secs());
        let set: Option<String> = claim.query_async(connection).await.map_err(Error::unavailable)?;
        Ok(set.is_some())
    }
}
