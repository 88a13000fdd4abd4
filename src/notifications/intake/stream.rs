//! Intake from a Redis stream: one process of the consumer group processes an entry and acknowledges it afterwards.
//!
//! Each process reads under a consumer name of its own. Entries that it read and did not acknowledge are read again
//! when its connection is restored; entries of a process that has ended are claimed by another process.

use std::time::Duration;

use guichet_base::ErrorKind;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisResult};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::backoff::Backoff;
use super::settle::{IntakeOutcome, Received, count, process_event};
use super::stream_reply::{self, StreamEntry};
use super::{Inner, REDIS_TIMEOUT, wire};
use crate::notifications::model::EventSource;

const CONSUMER_GROUP: &str = "guichet";
const BATCH_SIZE: usize = 50;
/// How long Redis blocks a read for new entries.
const READ_BLOCK: Duration = Duration::from_secs(1);
/// Minimum time since an unacknowledged entry was read before another consumer claims it.
const MIN_IDLE_FOR_CLAIM: Duration = Duration::from_secs(60);
const CLAIM_INTERVAL: Duration = Duration::from_secs(10);
/// Maximum consecutive attempts at an entry that cannot be stored as a dead letter; then it stays pending for later.
const MAX_ATTEMPTS: u32 = 6;
/// Removes a consumer without pending entries, atomically: pending entries of a removed consumer would be lost.
const DELETE_CONSUMER: &str = "for _, c in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do \
    if c[2] == ARGV[2] and c[4] == 0 then redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2]) end end";

pub(super) async fn run(inner: &Inner, stop: &CancellationToken) {
    let mut reader = Reader { inner, consumer: Uuid::now_v7().to_string(), backoff: Backoff::new(), stop };
    loop {
        match reader.read_until_stopped().await {
            Ok(()) => break,
            Err(error) => inner.stream.set_down(&error),
        }
        if !reader.backoff.wait(stop).await {
            break;
        }
    }
    if inner.stream.is_up() {
        reader.delete_consumer().await;
    }
}

struct Reader<'a> {
    inner: &'a Inner,
    consumer: String,
    backoff: Backoff,
    stop: &'a CancellationToken,
}

/// What to do with an entry after an attempt to process it.
enum EntryResult {
    Acknowledge,
    /// Do not acknowledge it; it is claimed and processed later.
    KeepPending,
    Stop,
}

impl Reader<'_> {
    /// Reads until the connection breaks or `stop` is cancelled.
    async fn read_until_stopped(&mut self) -> RedisResult<()> {
        let stop = self.stop;
        let Some(connected) = stop.run_until_cancelled(self.connect()).await else { return Ok(()) };
        let mut connection = connected?;
        self.inner.stream.set_up();
        if !self.process_own_pending(&mut connection).await? {
            return Ok(());
        }
        let mut last_claim: Option<Instant> = None;
        loop {
            if last_claim.is_none_or(|at| at.elapsed() >= CLAIM_INTERVAL) {
                if !self.claim_abandoned(&mut connection).await? {
                    return Ok(());
                }
                last_claim = Some(Instant::now());
            }
            let Some(entries) = stop.run_until_cancelled(self.read_entries(&mut connection, ">")).await
            else {
                return Ok(());
            };
            self.backoff.reset();
            if !self.process_entries(&mut connection, entries?).await? {
                return Ok(());
            }
        }
    }

    async fn connect(&self) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(REDIS_TIMEOUT))
            .set_response_timeout(Some(READ_BLOCK + REDIS_TIMEOUT));
        let mut connection = self.inner.client.get_multiplexed_async_connection_with_config(&config).await?;
        // The group starts at the first entry, so that entries older than the first start of the service are processed.
        let mut create_group = redis::cmd("XGROUP");
        create_group.arg("CREATE").arg(&self.inner.name).arg(CONSUMER_GROUP).arg("0").arg("MKSTREAM");
        match create_group.exec_async(&mut connection).await {
            Err(error) if error.code() != Some("BUSYGROUP") => Err(error),
            _ => Ok(connection),
        }
    }

    /// Reads new entries (`>`), or the pending entries of this consumer after an id.
    async fn read_entries(
        &self,
        connection: &mut MultiplexedConnection,
        after: &str,
    ) -> RedisResult<Vec<StreamEntry>> {
        let mut command = redis::cmd("XREADGROUP");
        command.arg("GROUP").arg(CONSUMER_GROUP).arg(&self.consumer).arg("COUNT").arg(BATCH_SIZE);
        command
            .arg("BLOCK")
            .arg(READ_BLOCK.as_millis().to_string())
            .arg("STREAMS")
            .arg(&self.inner.name)
            .arg(after);
        stream_reply::parse_read(command.query_async(connection).await?)
    }

    /// Processes entries that this consumer read but did not acknowledge. Returns false if `stop` was cancelled.
    async fn process_own_pending(&mut self, connection: &mut MultiplexedConnection) -> RedisResult<bool> {
        let mut after = "0".to_owned();
        loop {
            let entries = self.read_entries(connection, &after).await?;
            let Some(last) = entries.last() else { return Ok(true) };
            after.clone_from(&last.id);
            if !self.process_entries(connection, entries).await? {
                return Ok(false);
            }
        }
    }

    /// Claims entries that other consumers did not acknowledge in time. Returns false if `stop` was cancelled.
    async fn claim_abandoned(&mut self, connection: &mut MultiplexedConnection) -> RedisResult<bool> {
        let mut from = "0-0".to_owned();
        loop {
            let mut claim = redis::cmd("XAUTOCLAIM");
            claim.arg(&self.inner.name).arg(CONSUMER_GROUP).arg(&self.consumer);
            claim.arg(MIN_IDLE_FOR_CLAIM.as_millis().to_string()).arg(&from).arg("COUNT").arg(BATCH_SIZE);
            let (next, entries) = stream_reply::parse_claim(claim.query_async(connection).await?)?;
            if !entries.is_empty() {
                tracing::info!(entries = entries.len(), "claimed pending entries of other consumers");
            }
            if !self.process_entries(connection, entries).await? {
                return Ok(false);
            }
            if next == "0-0" {
                return Ok(true);
            }
            from = next;
        }
    }

    /// Processes and acknowledges entries. Returns false if `stop` was cancelled; unprocessed entries stay pending.
    async fn process_entries(
        &self,
        connection: &mut MultiplexedConnection,
        entries: Vec<StreamEntry>,
    ) -> RedisResult<bool> {
        for entry in entries {
            match self.process_entry(&entry).await {
                EntryResult::Acknowledge => {
                    let mut acknowledge = redis::cmd("XACK");
                    acknowledge
                        .arg(&self.inner.name)
                        .arg(CONSUMER_GROUP)
                        .arg(&entry.id)
                        .exec_async(connection)
                        .await?;
                }
                EntryResult::KeepPending => {}
                EntryResult::Stop => return Ok(false),
            }
        }
        Ok(!self.stop.is_cancelled())
    }

    async fn process_entry(&self, entry: &StreamEntry) -> EntryResult {
        // The producer removed the entry from the stream before it was processed.
        let Some(fields) = &entry.fields else { return EntryResult::Acknowledge };
        let body = wire::parse_fields(fields);
        let received = Received { source: EventSource::Stream, body, dedup_key: Some(entry.id.clone()) };
        let (mut tries, mut backoff) = (0, Backoff::new());
        loop {
            tries += 1;
            let Err(error) = process_event(&self.inner.notifications, &received, tries).await else {
                return EntryResult::Acknowledge;
            };
            if tries == 1 {
                tracing::warn!(stream.entry = entry.id, %error, "failed to process a stream entry; retrying");
            }
            if error.kind() == ErrorKind::Internal && tries >= MAX_ATTEMPTS {
                tracing::error!(stream.entry = entry.id, %error, "postponed a stream entry after repeated failures");
                count(EventSource::Stream, IntakeOutcome::Postponed);
                return EntryResult::KeepPending;
            }
            if !backoff.wait(self.stop).await {
                return EntryResult::Stop;
            }
        }
    }

    /// Removes this consumer from the group, over a new connection, since the current one may still block on a read.
    async fn delete_consumer(&self) {
        let leaving = async {
            let mut connection = self.inner.client.get_multiplexed_async_connection().await?;
            let mut leave = redis::cmd("EVAL");
            leave.arg(DELETE_CONSUMER).arg(1).arg(&self.inner.name).arg(CONSUMER_GROUP).arg(&self.consumer);
            leave.exec_async(&mut connection).await
        };
        match timeout(REDIS_TIMEOUT / 6, leaving).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the consumer's name stays in the group"),
            Err(_) => tracing::debug!("the consumer's name stays in the group"),
        }
    }
}
