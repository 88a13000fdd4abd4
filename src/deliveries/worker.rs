//! The delivery worker: claims due deliveries, rechecks them, sends them outside any transaction, and records the
//! results.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use guichet_base::Result;
use guichet_base::id::{DeliveryId, TenantId};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::Deliveries;
use super::sender::{OutgoingDelivery, SendFailure, SendReceipt};
use super::service::attempt::{self, AttemptResult};
use super::slots::{Slot, Slots};
use super::store::claim::{self, ClaimedDelivery};

/// Interval of claims, for rows that become due without a wake-up (`Deliveries::wake`).
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Most results that one transaction writes.
const MAX_RESULTS_PER_WRITE: usize = 64;
/// Tries to write results. If all fail, the lease expires, and the result of the attempt is unknown.
const MAX_WRITE_TRIES: u32 = 5;

/// The claims of one tenant under one token.
struct ClaimedBatch {
    tenant: TenantId,
    token: Uuid,
    rows: Vec<(DeliveryId, Slot)>,
}

/// Claims and sends until `stop` is cancelled. Running batches are tasks of `tracker`, which end within the grace time.
pub async fn run_worker(d: Deliveries, tracker: TaskTracker, stop: CancellationToken) {
    if d.settings.concurrency == 0 {
        return;
    }
    let slots = Slots::new(d.settings.concurrency);
    let mut tick = tokio::time::interval(POLL_INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut has_more = false;
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = d.wake.notified() => {}
            () = slots.freed.notified(), if has_more => {}
            () = stop.cancelled() => return,
        }
        match claim_due(&d, &slots).await {
            Ok((batches, more)) => {
                has_more = more;
                for batch in batches {
                    tracker.spawn(process_batch(d.clone(), batch, stop.clone()));
                }
            }
            Err(error) => tracing::warn!(%error, "failed to claim deliveries; will retry"),
        }
    }
}

/// Sends all due deliveries, and returns the number of deliveries processed. For tests.
pub async fn drain(d: &Deliveries) -> Result<usize> {
    let mut processed = 0;
    loop {
        let slots = Slots::new(d.settings.concurrency.max(1));
        let (batches, _) = claim_due(d, &slots).await?;
        if batches.is_empty() {
            return Ok(processed);
        }
        processed += batches.iter().map(|batch| batch.rows.len()).sum::<usize>();
        let tasks =
            batches.into_iter().map(|batch| process_batch(d.clone(), batch, CancellationToken::new()));
        futures_util::future::join_all(tasks).await;
    }
}

/// Claims as many due deliveries as there are free slots, grouped by tenant. Also returns whether more may be due.
async fn claim_due(d: &Deliveries, slots: &Slots) -> Result<(Vec<ClaimedBatch>, bool)> {
    let requests = slots.claim_requests();
    if requests.is_empty() {
        return Ok((Vec::new(), true));
    }
    let (token, now) = (Uuid::new_v4(), d.notifications.clock.now());
    let lease_until = now.plus(d.settings.lease);
    let claim_requests = requests.clone();
    let claimed = d
        .notifications
        .db
        .worker(move |tx| claim::claim_due(tx, &claim_requests, token, (now, lease_until)))
        .await?;
    let is_full = requests.iter().any(|request| {
        let claimed_rows =
            claimed.iter().filter(|row| row.channel == request.channel && row.lane == request.lane);
        i64::try_from(claimed_rows.count()).is_ok_and(|got| got >= request.limit)
    });
    let has_more = is_full || !slots.covers_all_pools(&requests);
    Ok((group_by_tenant(claimed, slots, token), has_more))
}

fn group_by_tenant(claimed: Vec<ClaimedDelivery>, slots: &Slots, token: Uuid) -> Vec<ClaimedBatch> {
    let mut tenants: BTreeMap<TenantId, Vec<(DeliveryId, Slot)>> = BTreeMap::new();
    for row in claimed {
        // Only this task takes slots, and it claimed no more than were free.
        if let Some(slot) = slots.try_acquire(row.channel, row.lane) {
            tenants.entry(row.tenant).or_default().push((row.id, slot));
        }
    }
    tenants.into_iter().map(|(tenant, rows)| ClaimedBatch { tenant, token, rows }).collect()
}

async fn process_batch(d: Deliveries, batch: ClaimedBatch, stop: CancellationToken) {
    let ClaimedBatch { tenant, token, rows } = batch;
    let ids: Vec<Uuid> = rows.iter().map(|(id, _)| id.0).collect();
    let mut slots: BTreeMap<DeliveryId, Slot> = rows.into_iter().collect();
    if stop.is_cancelled() {
        attempt::release_claims(&d, tenant, ids, token).await;
        return;
    }
    let attempts = match attempt::begin_attempts(&d, tenant, ids, token).await {
        Ok(attempts) => attempts,
        Err(error) => {
            // No attempt has begun; the rows stay as they were until the lease expires.
            tracing::warn!(%error, tenant.id = %tenant, "failed to begin attempts of claimed deliveries");
            return;
        }
    };
    let started_ids = attempts.iter().map(|attempt| attempt.delivery.id).collect::<Vec<_>>();
    slots.retain(|id, _| started_ids.contains(id));
    let sends = attempts.into_iter().map(|attempt| {
        let slot = slots.remove(&attempt.delivery.id);
        let (d, stop) = (&d, &stop);
        async move {
            (AttemptResult { result: send_with_timeout(d, &attempt.delivery, stop).await, attempt }, slot)
        }
    });
    let mut result_chunks = sends.collect::<FuturesUnordered<_>>().ready_chunks(MAX_RESULTS_PER_WRITE);
    while let Some(chunk) = result_chunks.next().await {
        let (results, slots_to_free): (Vec<AttemptResult>, Vec<Option<Slot>>) = chunk.into_iter().unzip();
        write_results(&d, tenant, &results, token).await;
        drop(slots_to_free);
    }
}

async fn send_with_timeout(
    d: &Deliveries,
    delivery: &OutgoingDelivery,
    stop: &CancellationToken,
) -> Result<SendReceipt, SendFailure> {
    let grace_elapsed = async {
        stop.cancelled().await;
        tokio::time::sleep(d.settings.shutdown_grace).await;
    };
    tokio::select! {
        result = d.senders.send(delivery) => result,
        () = tokio::time::sleep(d.settings.send_timeout) => Err(SendFailure::Uncertain("timeout".to_owned())),
        () = grace_elapsed => Err(SendFailure::Uncertain("the service stopped".to_owned())),
    }
}

async fn write_results(d: &Deliveries, tenant: TenantId, results: &[AttemptResult], token: Uuid) {
    for attempt in 1..=MAX_WRITE_TRIES {
        match attempt::record_results(d, tenant, results, token).await {
            Ok(()) => return,
            Err(error) if attempt == MAX_WRITE_TRIES => {
                tracing::error!(%error, tenant.id = %tenant, deliveries = results.len(),
                    "failed to write delivery results; the attempts count as uncertain");
            }
            Err(error) => {
                tracing::debug!(%error, attempt, "failed to write delivery results; will retry");
                tokio::time::sleep(Duration::from_millis(100) * 2_u32.pow(attempt)).await;
            }
        }
    }
}
