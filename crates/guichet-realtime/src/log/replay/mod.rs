//! Missed events, read from the log once for all joins that need them, and encoded once per frame shape.
//!
//! A topic is the same for all its subscribers, so one read serves all joins within seconds of each other. It runs as
//! the worker role. Callers must be authorized by `SocketBackend::authorize`, under the subscriber's own row-level
//! security (docs/adr/0006).
//!
//! - Cached segments have no gaps, and rows of the log never change: the cache is never wrong, only short, and then
//!   read on.
//! - One read of a topic at a time: joins that arrive meanwhile wait and share it.
//! - Bounded: in bytes for the process, forgotten seconds after the last use; and in concurrent reads, so that the
//!   tail and the gap filler find a connection.

mod segment;

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test stops at what it did not expect")]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use guichet_base::id::TenantId;
use guichet_base::{Error, Result};
use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, Semaphore};
use tokio::time::{Instant, sleep, timeout};

pub use self::segment::Segment;
use crate::hub::TopicKey;
use crate::log::ReplayLog;

/// A wave of returning clients takes some seconds; afterwards the events they missed are not needed again.
const CACHE_TTL: Duration = Duration::from_secs(10);
const SWEEP_EVERY: Duration = Duration::from_secs(5);
const MAX_CONCURRENT_READS: usize = 2;
/// A join that waits longer is asked to join again: if a read fails slowly, those behind it need not all try it.
const READ_TIMEOUT: Duration = Duration::from_secs(9);
/// A client that was away slightly longer than the first one shows that others may have been, too: one more read goes
/// back at least this far, so that not each of them needs its own.
const MIN_READ_BACK: i64 = 256;
/// Each read of new events adds a segment to a topic that advances while its subscribers return.
const MAX_SEGMENTS: usize = 32;

/// Reads the log for joins.
pub struct ReplayReader {
    log: Arc<dyn ReplayLog>,
    bound: usize,
    cache: Mutex<SegmentCache>,
    reads: Semaphore,
}

#[derive(Default)]
struct SegmentCache {
    topics: HashMap<TopicKey, CachedTopic>,
    /// The sum of `CachedTopic::bytes`.
    bytes: usize,
}

/// The cached segments of one topic: contiguous, oldest first.
struct CachedTopic {
    segments: Vec<Arc<Segment>>,
    bytes: usize,
    last_used_at: Instant,
    read_lock: Arc<AsyncMutex<()>>,
}

/// A read to make: the numbers after the first one up to the second, and where to insert it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PendingRead {
    after: i64,
    up_to: i64,
}

impl ReplayReader {
    /// `bound`: bytes cached for later joins, in the whole process.
    pub fn new(log: Arc<dyn ReplayLog>, bound: usize) -> Self {
        Self { log, bound, cache: Mutex::default(), reads: Semaphore::new(MAX_CONCURRENT_READS) }
    }

    /// The events of a topic from `after + 1`: up to `up_to`, or beyond it, or as many as one read returns; call
    /// again for the rest. `None`: the log does not have that number. Errors: `UNAVAILABLE`.
    pub async fn read(
        &self,
        tenant: TenantId,
        topic: &str,
        after: i64,
        up_to: i64,
    ) -> Result<Option<Arc<Segment>>> {
        let key = (tenant, Box::from(topic));
        let read_lock = match self.cache.lock().find(&key, after) {
            Ok(segment) => return Ok(Some(segment)),
            Err(read_lock) => read_lock,
        };
        match timeout(READ_TIMEOUT, self.read_log(key, &read_lock, after, up_to)).await {
            Ok(read) => read,
            Err(late) => Err(Error::unavailable(late)),
        }
    }

    async fn read_log(
        &self,
        key: TopicKey,
        read_lock: &AsyncMutex<()>,
        after: i64,
        up_to: i64,
    ) -> Result<Option<Arc<Segment>>> {
        let _one_at_a_time = read_lock.lock().await;
        // The read that this one waited for may have covered it.
        if let Ok(segment) = self.cache.lock().find(&key, after) {
            return Ok(Some(segment));
        }
        let _turn = self.reads.acquire().await.map_err(Error::unavailable)?;
        let wanted = self.cache.lock().plan_read(&key, after, up_to);
        let events = self.log.read_page(key.0, &key.1, wanted.after, wanted.up_to).await?;
        let Some(segment) = Segment::contiguous_around(events, after + 1) else { return Ok(None) };
        let segment = Arc::new(segment);
        self.cache.lock().insert(key, Arc::clone(&segment), self.bound);
        Ok(Some(segment))
    }

    #[cfg(test)]
    pub fn cached_bytes(&self) -> usize {
        self.cache.lock().bytes
    }

    /// Drops unused segments, forever.
    pub async fn sweep(self: Arc<Self>) {
        loop {
            sleep(SWEEP_EVERY).await;
            self.cache.lock().forget_unused(Instant::now());
        }
    }
}

impl SegmentCache {
    /// The segment with number `after + 1`, or else the lock under which to read it.
    fn find(&mut self, key: &TopicKey, after: i64) -> Result<Arc<Segment>, Arc<AsyncMutex<()>>> {
        let now = Instant::now();
        let topic = self.topics.entry(key.clone()).or_insert_with(|| CachedTopic {
            segments: Vec::new(),
            bytes: 0,
            last_used_at: now,
            read_lock: Arc::default(),
        });
        topic.last_used_at = now;
        match topic.segments.iter().find(|segment| segment.contains_seq(after + 1)) {
            Some(segment) => Ok(Arc::clone(segment)),
            None => Err(Arc::clone(&topic.read_lock)),
        }
    }

    /// The range to read so that it has `after + 1` and joins the cached segments if possible.
    fn plan_read(&self, key: &TopicKey, after: i64, up_to: i64) -> PendingRead {
        let segments = self.topics.get(key).map_or(&[][..], |topic| &topic.segments);
        match segments.first() {
            Some(first) if after + 1 < first.first() => {
                let back = after.min(first.first() - 1 - MIN_READ_BACK).max(0);
                PendingRead { after: back, up_to: first.first() - 1 }
            }
            Some(_) | None => PendingRead { after, up_to },
        }
    }

    fn insert(&mut self, key: TopicKey, segment: Arc<Segment>, bound: usize) {
        let Some(topic) = self.topics.get_mut(&key) else { return };
        let (first, last) = (topic.segments.first(), topic.segments.last());
        if first.is_some_and(|first| first.first() == segment.last() + 1) {
            topic.segments.insert(0, segment);
        } else if last.is_some_and(|last| last.last() + 1 == segment.first()) {
            topic.segments.push(segment);
        } else {
            topic.segments = vec![segment];
        }
        if topic.segments.len() > MAX_SEGMENTS {
            topic.segments.remove(0);
        }
        self.recount_bytes(&key);
        self.shrink_to(bound);
    }

    /// Recounts the bytes of a topic: shapes are encoded when they are first needed.
    fn recount_bytes(&mut self, key: &TopicKey) {
        let Some(topic) = self.topics.get_mut(key) else { return };
        let bytes = topic.segments.iter().map(|segment| segment.bytes()).sum();
        self.bytes = self.bytes - topic.bytes + bytes;
        topic.bytes = bytes;
    }

    /// Above the bound, drops the least recently used, a quarter of all at once, so that not every read has to search
    /// for candidates.
    fn shrink_to(&mut self, bound: usize) {
        if self.bytes <= bound {
            return;
        }
        let mut by_use: Vec<(Instant, TopicKey)> =
            self.topics.iter().map(|(key, topic)| (topic.last_used_at, key.clone())).collect();
        by_use.sort_unstable_by_key(|(used, _)| *used);
        for (_, key) in by_use {
            if self.bytes <= bound / 4 * 3 {
                return;
            }
            self.evict(&key);
        }
    }

    fn forget_unused(&mut self, now: Instant) {
        let unused: Vec<TopicKey> = self
            .topics
            .iter()
            .filter(|(_, topic)| now.duration_since(topic.last_used_at) >= CACHE_TTL)
            .map(|(key, _)| key.clone())
            .collect();
        for key in &unused {
            self.evict(key);
        }
        if self.topics.is_empty() {
            self.topics = HashMap::new();
        }
    }

    fn evict(&mut self, key: &TopicKey) {
        let Some(topic) = self.topics.get_mut(key) else { return };
        topic.segments = Vec::new();
        self.bytes -= topic.bytes;
        topic.bytes = 0;
        // While a read is under way, the lock alone keeps others from read_lock the same.
        if Arc::strong_count(&topic.read_lock) == 1 {
            self.topics.remove(key);
        }
    }
}
