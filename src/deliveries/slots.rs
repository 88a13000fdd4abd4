//! Limits concurrent sends: a pool of slots per channel and lane, so that a slow provider delays only its own channel.

use std::sync::Arc;
use strum::VariantArray;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::model::{Lane, OUTBOUND_CHANNELS};
use super::store::claim::ClaimRequest;
use crate::preferences::Channel;

pub struct Slots {
    pools: Vec<SlotPool>,
    pool_size: usize,
    /// Notified when a slot becomes free.
    pub freed: Arc<Notify>,
}

struct SlotPool {
    channel: Channel,
    lane: Lane,
    permits: Arc<Semaphore>,
}

/// Permission for one send in flight; dropping it frees the slot.
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
    /// Creates the pools, each with `size` slots.
    pub fn new(size: usize) -> Self {
        let pool = |channel, lane| SlotPool { channel, lane, permits: Arc::new(Semaphore::new(size)) };
        let pools = OUTBOUND_CHANNELS
            .into_iter()
            .flat_map(|channel| Lane::VARIANTS.iter().copied().map(move |lane| pool(channel, lane)));
        Self { pools: pools.collect(), pool_size: size, freed: Arc::default() }
    }

    /// One request per pool, for as many rows as it has free slots. Pools under a quarter free are left out, so
    /// that a long queue is claimed in batches and not row by row.
    pub fn claim_requests(&self) -> Vec<ClaimRequest> {
        let min_free = self.pool_size.div_ceil(4).max(1);
        let available_pools = self.pools.iter().filter(|pool| pool.permits.available_permits() >= min_free);
        available_pools
            .map(|pool| ClaimRequest {
                channel: pool.channel,
                lane: pool.lane,
                limit: i64::try_from(pool.permits.available_permits()).unwrap_or(i64::MAX),
            })
            .collect()
    }

    /// Takes a free slot of a pool. `None` if the pool has none.
    pub fn try_acquire(&self, channel: Channel, lane: Lane) -> Option<Slot> {
        let pool = self.pools.iter().find(|queue| queue.channel == channel && queue.lane == lane)?;
        let permit = Arc::clone(&pool.permits).try_acquire_owned().ok()?;
        Some(Slot { permit: Some(permit), freed: Arc::clone(&self.freed) })
    }

    /// Whether `requests` has a request for every pool.
    pub fn covers_all_pools(&self, requests: &[ClaimRequest]) -> bool {
        requests.len() == self.pools.len()
    }
}
