//! Limits concurrent sends: slots per channel and lane, so that none waits for another's provider.

use std::sync::Arc;
use strum::VariantArray;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::model::{Lane, OUTBOUND_CHANNELS};
use super::store::claim::ClaimRequest;
use crate::preferences::Channel;

pub struct Slots {
    queues: Vec<SlotPool>,
    size: usize,
    /// Notified when a slot becomes free.
    pub freed: Arc<Notify>,
}

struct SlotPool {
    channel: Channel,
    lane: Lane,
    free: Arc<Semaphore>,
}

/// A running send.
pub struct Slot {
    permit: Option<OwnedSemaphorePermit>,
    freed: Arc<Notify>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        // The slot must be free before waiters are notified.
        drop(self.permit.take());
        self.freed.notify_one();
    }
}

impl Slots {
    /// `size` slots per channel and lane.
    pub fn new(size: usize) -> Self {
        let queue = |channel, lane| SlotPool { channel, lane, free: Arc::new(Semaphore::new(size)) };
        let queues = OUTBOUND_CHANNELS
            .into_iter()
            .flat_map(|channel| Lane::VARIANTS.iter().copied().map(move |lane| queue(channel, lane)));
        Self { queues: queues.collect(), size, freed: Arc::default() }
    }

    /// The free capacity of each queue. A queue with almost no free slots is left out, so that a long queue is
    /// claimed in batches and not row by row.
    pub fn claim_requests(&self) -> Vec<ClaimRequest> {
        let worth = self.size.div_ceil(4).max(1);
        let with_room = self.queues.iter().filter(|queue| queue.free.available_permits() >= worth);
        with_room
            .map(|queue| ClaimRequest {
                channel: queue.channel,
                lane: queue.lane,
                limit: i64::try_from(queue.free.available_permits()).unwrap_or(i64::MAX),
            })
            .collect()
    }

    /// Takes a slot of a queue; `None` if all are taken.
    pub fn try_acquire(&self, channel: Channel, lane: Lane) -> Option<Slot> {
        let queue = self.queues.iter().find(|queue| queue.channel == channel && queue.lane == lane)?;
        let permit = Arc::clone(&queue.free).try_acquire_owned().ok()?;
        Some(Slot { permit: Some(permit), freed: Arc::clone(&self.freed) })
    }

    /// Whether `asks` covers every queue.
    pub fn covers_all_pools(&self, asks: &[ClaimRequest]) -> bool {
        asks.len() == self.queues.len()
    }
}
