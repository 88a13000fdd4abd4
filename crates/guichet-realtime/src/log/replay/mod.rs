//! What those who come back missed: read from the log once for all of them, encoded once per shape.
//!
//! A topic is the same for all who hear it, so one reading serves whoever comes within seconds of another; it is
//! made as the worker. The right to the topic is asked before, of `Host::authorize`, under the joiner's own row-level
//! security: nobody may come here without (docs/adr/0006).
//!
//! - What is kept has no gap, and the log's rows never change: it is never wrong, only short, and is read on then.
//! - One reading of a topic at a time: who comes meanwhile waits, and shares it.
//! - Bounded: so many bytes in the process, forgotten some seconds after they were last asked for; so many readings
//!   at once, so that the tail and the hole filler find a connection.

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
use crate::log::Log;

/// A storm of returning clients takes some seconds; after that, what they missed is not asked for again.
const KEPT_FOR: Duration = Duration::from_secs(10);
const SWEEP_EVERY: Duration = Duration::from_secs(5);
const READS_AT_ONCE: usize = 2;
/// Who waits longer is told to join again: where one reading fails slowly, those behind it need not all try it.
const PATIENCE: Duration = Duration::from_secs(9);
/// Who was away a little longer than the first one shows that others may have been, too: one more reading goes back
/// so far at least, or each of them would need its own.
const REACH_BACK: i64 = 256;
/// A topic that goes on while its people come back grows by a stretch for each reading of what is new.
const MOST_STRETCHES: usize = 32;

/// Reads the log for joins.
pub struct Replays {
    log: Arc<dyn Log>,
    bound: usize,
    kept: Mutex<SegmentCache>,
    reads: Semaphore,
}

#[derive(Default)]
struct SegmentCache {
    topics: HashMap<TopicKey, Topic>,
    /// The sum of `Topic::bytes`.
    bytes: usize,
}

/// What is kept of one topic: stretches that follow one another without a gap, the oldest first.
struct Topic {
    stretches: Vec<Arc<Segment>>,
    bytes: usize,
    used: Instant,
    reading: Arc<AsyncMutex<()>>,
}

/// A reading: the numbers after the first one up to the second, and where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PendingRead {
    after: i64,
    up_to: i64,
}

impl Replays {
    /// `bound`: bytes that are kept for those who come later, in the whole process.
    pub fn new(log: Arc<dyn Log>, bound: usize) -> Self {
        Self { log, bound, kept: Mutex::default(), reads: Semaphore::new(READS_AT_ONCE) }
    }

    /// Events of a topic from number `after + 1` on: up to `up_to`, or beyond it, or as many as a reading takes; ask
    /// again for the rest. `None`: the log does not have that number. Errors: `UNAVAILABLE`.
    pub async fn read(
        &self,
        tenant: TenantId,
        topic: &str,
        after: i64,
        up_to: i64,
    ) -> Result<Option<Arc<Segment>>> {
        let key = (tenant, Box::from(topic));
        let reading = match self.kept.lock().find(&key, after) {
            Ok(stretch) => return Ok(Some(stretch)),
            Err(reading) => reading,
        };
        match timeout(PATIENCE, self.read_log(key, &reading, after, up_to)).await {
            Ok(read) => read,
            Err(late) => Err(Error::unavailable(late)),
        }
    }

    async fn read_log(
        &self,
        key: TopicKey,
        reading: &AsyncMutex<()>,
        after: i64,
        up_to: i64,
    ) -> Result<Option<Arc<Segment>>> {
        let _one_at_a_time = reading.lock().await;
        // Whoever read while this one waited may have read it all.
        if let Ok(stretch) = self.kept.lock().find(&key, after) {
            return Ok(Some(stretch));
        }
        let _turn = self.reads.acquire().await.map_err(Error::unavailable)?;
        let wanted = self.kept.lock().wanted(&key, after, up_to);
        let events = self.log.page(key.0, &key.1, wanted.after, wanted.up_to).await?;
        let Some(stretch) = Segment::around(events, after + 1) else { return Ok(None) };
        let stretch = Arc::new(stretch);
        self.kept.lock().keep(key, Arc::clone(&stretch), self.bound);
        Ok(Some(stretch))
    }

    #[cfg(test)]
    pub fn kept_bytes(&self) -> usize {
        self.kept.lock().bytes
    }

    /// Forgets what nobody asks for any more, for ever.
    pub async fn sweep(self: Arc<Self>) {
        loop {
            sleep(SWEEP_EVERY).await;
            self.kept.lock().forget_unused(Instant::now());
        }
    }
}

impl SegmentCache {
    /// The stretch that has number `after + 1`, or the lock under which it is read.
    fn find(&mut self, key: &TopicKey, after: i64) -> Result<Arc<Segment>, Arc<AsyncMutex<()>>> {
        let now = Instant::now();
        let topic = self.topics.entry(key.clone()).or_insert_with(|| Topic {
            stretches: Vec::new(),
            bytes: 0,
            used: now,
            reading: Arc::default(),
        });
        topic.used = now;
        match topic.stretches.iter().find(|stretch| stretch.has(after + 1)) {
            Some(stretch) => Ok(Arc::clone(stretch)),
            None => Err(Arc::clone(&topic.reading)),
        }
    }

    /// What to read so that it has `after + 1` and joins what is kept, if it can.
    fn wanted(&self, key: &TopicKey, after: i64, up_to: i64) -> PendingRead {
        let stretches = self.topics.get(key).map_or(&[][..], |topic| &topic.stretches);
        match stretches.first() {
            Some(first) if after + 1 < first.first() => {
                let back = after.min(first.first() - 1 - REACH_BACK).max(0);
                PendingRead { after: back, up_to: first.first() - 1 }
            }
            Some(_) | None => PendingRead { after, up_to },
        }
    }

    fn keep(&mut self, key: TopicKey, stretch: Arc<Segment>, bound: usize) {
        let Some(topic) = self.topics.get_mut(&key) else { return };
        let (first, last) = (topic.stretches.first(), topic.stretches.last());
        if first.is_some_and(|first| first.first() == stretch.last() + 1) {
            topic.stretches.insert(0, stretch);
        } else if last.is_some_and(|last| last.last() + 1 == stretch.first()) {
            topic.stretches.push(stretch);
        } else {
            topic.stretches = vec![stretch];
        }
        if topic.stretches.len() > MOST_STRETCHES {
            topic.stretches.remove(0);
        }
        self.weigh(&key);
        self.shrink_to(bound);
    }

    /// Counts anew what a topic holds: shapes are encoded when the first one asks for them.
    fn weigh(&mut self, key: &TopicKey) {
        let Some(topic) = self.topics.get_mut(key) else { return };
        let bytes = topic.stretches.iter().map(|stretch| stretch.bytes()).sum();
        self.bytes = self.bytes - topic.bytes + bytes;
        topic.bytes = bytes;
    }

    /// Over the bound: what was not asked for the longest goes first, a quarter of it all at once, so that not every
    /// reading has to look for what may go.
    fn shrink_to(&mut self, bound: usize) {
        if self.bytes <= bound {
            return;
        }
        let mut by_use: Vec<(Instant, TopicKey)> =
            self.topics.iter().map(|(key, topic)| (topic.used, key.clone())).collect();
        by_use.sort_unstable_by_key(|(used, _)| *used);
        for (_, key) in by_use {
            if self.bytes <= bound / 4 * 3 {
                return;
            }
            self.forget(&key);
        }
    }

    fn forget_unused(&mut self, now: Instant) {
        let unused: Vec<TopicKey> = self
            .topics
            .iter()
            .filter(|(_, topic)| now.duration_since(topic.used) >= KEPT_FOR)
            .map(|(key, _)| key.clone())
            .collect();
        for key in &unused {
            self.forget(key);
        }
        if self.topics.is_empty() {
            self.topics = HashMap::new();
        }
    }

    fn forget(&mut self, key: &TopicKey) {
        let Some(topic) = self.topics.get_mut(key) else { return };
        topic.stretches = Vec::new();
        self.bytes -= topic.bytes;
        topic.bytes = 0;
        // While somebody reads, the lock is all that keeps others from reading the same.
        if Arc::strong_count(&topic.reading) == 1 {
            self.topics.remove(key);
        }
    }
}
