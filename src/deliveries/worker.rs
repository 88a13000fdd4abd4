//! The delivery worker: claims what is due, checks it again, sends it outside any transaction, and records the
//! result.

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

/// How soon a row without a notification is noticed.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Results written in one transaction, if many arrive at once.
const MAX_RESULTS_PER_WRITE: usize = 64;
/// Attempts to write a result. If the lease expires meanwhile, the attempt counts as one without a response.
const MAX_WRITE_TRIES: u32 = 5;

/// The claims of one tenant under one token.
struct ClaimedBatch {
    tenant: TenantId,
    token: Uuid,
    rows: Vec<(DeliveryId, Slot)>,
}

/// Sends until `stop` is cancelled; running sends then end, or are released, on `tracker`.
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
            Err(error) => tracing::warn!(%error, "deliveries could not be claimed; trying again"),
        }
    }
}

/// Sends everything that is due, and returns the number of deliveries processed.
pub async fn drain(d: &Deliveries) -> Result<usize> {
    let mut dealt_with = 0;
    loop {
        let slots = Slots::new(d.settings.concurrency.max(1));
        let (batches, _) = claim_due(d, &slots).await?;
        if batches.is_empty() {
            return Ok(dealt_with);
        }
        dealt_with += batches.iter().map(|batch| batch.rows.len()).sum::<usize>();
        let all = batches.into_iter().map(|batch| process_batch(d.clone(), batch, CancellationToken::new()));
        futures_util::future::join_all(all).await;
    }
}

/// Claims what is due and fits the free slots, by tenant. Returns also whether there may be more.
async fn claim_due(d: &Deliveries, slots: &Slots) -> Result<(Vec<ClaimedBatch>, bool)> {
    let asks = slots.claim_requests();
    if asks.is_empty() {
        return Ok((Vec::new(), true));
    }
    let (token, now) = (Uuid::new_v4(), d.notifications.clock.now());
    let lease_until = now.plus(d.settings.lease);
    let asked = asks.clone();
    let claimed =
        d.notifications.db.worker(move |tx| claim::claim_due(tx, &asked, token, (now, lease_until))).await?;
    let is_full = asks.iter().any(|ask| {
        let got = claimed.iter().filter(|row| row.channel == ask.channel && row.lane == ask.lane);
        i64::try_from(got.count()).is_ok_and(|got| got >= ask.limit)
    });
    let has_more = is_full || !slots.covers_all_pools(&asks);
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
    let begun = match attempt::begin_attempts(&d, tenant, ids, token).await {
        Ok(begun) => begun,
        Err(error) => {
            // No attempt has begun; the rows stay as they were until the lease expires.
            tracing::warn!(%error, tenant.id = %tenant, "claimed deliveries could not be begun");
            return;
        }
    };
    let under_way = begun.iter().map(|one| one.delivery.id).collect::<Vec<_>>();
    slots.retain(|id, _| under_way.contains(id));
    let sends = begun.into_iter().map(|one| {
        let slot = slots.remove(&one.delivery.id);
        let (d, stop) = (&d, &stop);
        async move {
            (AttemptResult { result: send_with_timeout(d, &one.delivery, stop).await, attempt: one }, slot)
        }
    });
    let mut ended = sends.collect::<FuturesUnordered<_>>().ready_chunks(MAX_RESULTS_PER_WRITE);
    while let Some(ends) = ended.next().await {
        let (ends, held): (Vec<AttemptResult>, Vec<Option<Slot>>) = ends.into_iter().unzip();
        write_results(&d, tenant, &ends, token).await;
        drop(held);
    }
}

async fn send_with_timeout(
    d: &Deliveries,
    what: &OutgoingDelivery,
    stop: &CancellationToken,
) -> Result<SendReceipt, SendFailure> {
    let given_up = async {
        stop.cancelled().await;
        tokio::time::sleep(d.settings.shutdown_grace).await;
    };
    tokio::select! {
        ended = d.senders.send(what) => ended,
        () = tokio::time::sleep(d.settings.send_timeout) => Err(SendFailure::Uncertain("timeout".to_owned())),
        () = given_up => Err(SendFailure::Uncertain("the service stopped".to_owned())),
    }
}

async fn write_results(d: &Deliveries, tenant: TenantId, ends: &[AttemptResult], token: Uuid) {
    for attempt in 1..=MAX_WRITE_TRIES {
        match attempt::record_results(d, tenant, ends, token).await {
            Ok(()) => return,
            Err(error) if attempt == MAX_WRITE_TRIES => {
                tracing::error!(%error, tenant.id = %tenant, deliveries = ends.len(),
                    "the ends of deliveries could not be written: they count as attempts without an answer");
            }
            Err(error) => {
                tracing::debug!(%error, attempt, "the ends of deliveries are written again");
                tokio::time::sleep(Duration::from_millis(100) * 2_u32.pow(attempt)).await;
            }
        }
    }
}
