//! The Redis stream: every entry is processed by one process of the consumer group, and stays until that is done.
//!
//! Each process reads under a consumer name of its own. Entries that it read and did not acknowledge are read again
//! when its connection returns; those of a process that is gone are taken over by another.

use std::time::Duration;

use guichet_base::ErrorKind;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisResult};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::backoff::Backoff;
use super::settle::{IntakeOutcome, Received, count, settle};
use super::stream_reply::{self, StreamEntry};
use super::{Inner, PATIENCE, wire};
use crate::notifications::model::EventSource;

const GROUP: &str = "guichet";
const BATCH: usize = 50;
/// How long Redis blocks a read for new entries.
const BLOCK: Duration = Duration::from_secs(1);
/// Unacknowledged entries that were read this long ago may be taken over.
const TAKEN_OVER_AFTER: Duration = Duration::from_secs(60);
const LOOKED_AFTER_EVERY: Duration = Duration::from_secs(10);
/// Consecutive attempts at an entry that cannot even be stored as a dead letter, before it is left for later.
const TRIES: u32 = 6;
/// Removes a consumer without pending entries, atomically: pending entries of a removed consumer would be lost.
const LEAVE: &str = "for _, c in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do \
    if c[2] == ARGV[2] and c[4] == 0 then redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2]) end end";

pub(super) async fn run(inner: &Inner, stop: &CancellationToken) {
    let mut reader = Reader { inner, consumer: Uuid::now_v7().to_string(), backoff: Backoff::new(), stop };
    loop {
        match reader.read().await {
            Ok(()) => break,
            Err(error) => inner.stream.down(&error),
        }
        if !reader.backoff.wait(stop).await {
            break;
        }
    }
    if inner.stream.is_up() {
        reader.leave().await;
    }
}

struct Reader<'a> {
    inner: &'a Inner,
    consumer: String,
    backoff: Backoff,
    stop: &'a CancellationToken,
}

/// What to do after an entry.
enum Next {
    Acknowledge,
    /// Leave it in the stream, to be processed later.
    Leave,
    Stop,
}

impl Reader<'_> {
    /// Reads until the connection breaks or `stop` is cancelled.
    async fn read(&mut self) -> RedisResult<()> {
        let stop = self.stop;
        let Some(connected) = stop.run_until_cancelled(self.connect()).await else { return Ok(()) };
        let mut connection = connected?;
        self.inner.stream.up();
        if !self.own(&mut connection).await? {
            return Ok(());
        }
        let mut looked_after: Option<Instant> = None;
        loop {
            if looked_after.is_none_or(|at| at.elapsed() >= LOOKED_AFTER_EVERY) {
                if !self.take_over(&mut connection).await? {
                    return Ok(());
                }
                looked_after = Some(Instant::now());
            }
            let Some(entries) = stop.run_until_cancelled(self.ask(&mut connection, ">")).await else {
                return Ok(());
            };
            self.backoff.reset();
            if !self.deal(&mut connection, entries?).await? {
                return Ok(());
            }
        }
    }

    async fn connect(&self) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(BLOCK + PATIENCE));
        let mut connection = self.inner.client.get_multiplexed_async_connection_with_config(&config).await?;
        // From the first entry, so that entries from before the first start of the service are not lost.
        let mut make = redis::cmd("XGROUP");
        make.arg("CREATE").arg(&self.inner.name).arg(GROUP).arg("0").arg("MKSTREAM");
        match make.exec_async(&mut connection).await {
            Err(error) if error.code() != Some("BUSYGROUP") => Err(error),
            _ => Ok(connection),
        }
    }

    /// Reads new entries (`>`), or those of this consumer after an id.
    async fn ask(
        &self,
        connection: &mut MultiplexedConnection,
        after: &str,
    ) -> RedisResult<Vec<StreamEntry>> {
        let mut ask = redis::cmd("XREADGROUP");
        ask.arg("GROUP").arg(GROUP).arg(&self.consumer).arg("COUNT").arg(BATCH);
        ask.arg("BLOCK").arg(BLOCK.as_millis().to_string()).arg("STREAMS").arg(&self.inner.name).arg(after);
        stream_reply::of_read(ask.query_async(connection).await?)
    }

    /// Processes what was read before the connection broke. Returns false if it is time to stop.
    async fn own(&mut self, connection: &mut MultiplexedConnection) -> RedisResult<bool> {
        let mut after = "0".to_owned();
        loop {
            let entries = self.ask(connection, &after).await?;
            let Some(last) = entries.last() else { return Ok(true) };
            after.clone_from(&last.id);
            if !self.deal(connection, entries).await? {
                return Ok(false);
            }
        }
    }

    /// Takes over entries that other consumers read and left. Returns false if it is time to stop.
    async fn take_over(&mut self, connection: &mut MultiplexedConnection) -> RedisResult<bool> {
        let mut from = "0-0".to_owned();
        loop {
            let mut claim = redis::cmd("XAUTOCLAIM");
            claim.arg(&self.inner.name).arg(GROUP).arg(&self.consumer);
            claim.arg(TAKEN_OVER_AFTER.as_millis().to_string()).arg(&from).arg("COUNT").arg(BATCH);
            let (next, entries) = stream_reply::of_claim(claim.query_async(connection).await?)?;
            if !entries.is_empty() {
                tracing::info!(entries = entries.len(), "entries of the Redis stream were taken over");
            }
            if !self.deal(connection, entries).await? {
                return Ok(false);
            }
            if next == "0-0" {
                return Ok(true);
            }
            from = next;
        }
    }

    /// Processes entries. Returns false if it is time to stop: unprocessed entries stay in the stream.
    async fn deal(
        &self,
        connection: &mut MultiplexedConnection,
        entries: Vec<StreamEntry>,
    ) -> RedisResult<bool> {
        for entry in entries {
            match self.process_entry(&entry).await {
                Next::Acknowledge => {
                    let mut acknowledge = redis::cmd("XACK");
                    acknowledge
                        .arg(&self.inner.name)
                        .arg(GROUP)
                        .arg(&entry.id)
                        .exec_async(connection)
                        .await?;
                }
                Next::Leave => {}
                Next::Stop => return Ok(false),
            }
        }
        Ok(!self.stop.is_cancelled())
    }

    async fn process_entry(&self, entry: &StreamEntry) -> Next {
        // The producer removed the entry from the stream before it was processed.
        let Some(fields) = &entry.fields else { return Next::Acknowledge };
        let body = wire::of_fields(fields);
        let received = Received { source: EventSource::Stream, body, name: Some(entry.id.clone()) };
        let (mut tries, mut backoff) = (0, Backoff::new());
        loop {
            tries += 1;
            let Err(error) = settle(&self.inner.notifications, &received, tries).await else {
                return Next::Acknowledge;
            };
            if tries == 1 {
                tracing::warn!(stream.entry = entry.id, %error, "an entry of the Redis stream waits");
            }
            if error.kind() == ErrorKind::Internal && tries >= TRIES {
                tracing::error!(stream.entry = entry.id, %error, "an entry of the Redis stream was put off");
                count(EventSource::Stream, IntakeOutcome::Postponed);
                return Next::Leave;
            }
            if !backoff.wait(self.stop).await {
                return Next::Stop;
            }
        }
    }

    /// Over a connection of its own, since the other may still block on a read.
    async fn leave(&self) {
        let leaving = async {
            let mut connection = self.inner.client.get_multiplexed_async_connection().await?;
            let mut leave = redis::cmd("EVAL");
            leave.arg(LEAVE).arg(1).arg(&self.inner.name).arg(GROUP).arg(&self.consumer);
            leave.exec_async(&mut connection).await
        };
        match timeout(PATIENCE / 6, leaving).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the consumer's name stays in the group"),
            Err(_) => tracing::debug!("the consumer's name stays in the group"),
        }
    }
}
