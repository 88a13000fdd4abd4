//! Writes the activity rows that no request waits for, from the outbox, exactly once.
//!
//! Any durable event whose `fanout` carries a `log` gets a row. One process at a time does this, under the lock of
//! its position in `outbox_readers`. The position advances in the transaction that writes the rows, and the outbox
//! keeps events until they were read.

use std::time::Duration;

use guichet_base::Result;
use guichet_db::Db;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::store;
use crate::telemetry::metric_names::JOB_RUNS;

const DERIVE_INTERVAL: Duration = Duration::from_secs(1);
/// Events read in one transaction.
const EVENTS_PER_BATCH: i64 = 2_000;
/// Months for which partitions are created ahead.
const PARTITION_MONTHS_AHEAD: i32 = 3;

/// Derives rows until `stop` is cancelled. It does not run under the scheduler, because it runs every second, and its
/// position in `outbox_readers` already admits one process.
pub async fn run_deriver(db: Db, stop: CancellationToken) {
    let mut tick = interval(DERIVE_INTERVAL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = stop.cancelled() => return,
        }
        let done = derive_pending(&db).await;
        if !matches!(done, Ok(0)) {
            record_run(&done);
        }
    }
}

/// Writes every row that can be written now, and returns the number of batches.
pub async fn derive_pending(db: &Db) -> Result<usize> {
    let mut segments = 0;
    while db.worker(|tx| store::derive_batch(tx, EVENTS_PER_BATCH)).await? {
        segments += 1;
    }
    Ok(segments)
}

/// Creates the partitions of the coming months, and drops those older than `keep_days`.
pub async fn maintain_partitions(db: &Db, keep_days: i32) -> Result<()> {
    db.worker(move |tx| store::maintain_partitions(tx, PARTITION_MONTHS_AHEAD, keep_days)).await
}

fn record_run(done: &Result<usize>) {
    let job = "activity.derive";
    if let Err(error) = done {
        tracing::warn!(%error, job, "a job of the activity log failed; trying again");
    }
    let outcome = if done.is_ok() { "ok" } else { "error" };
    metrics::counter!(JOB_RUNS, "job" => job, "outcome" => outcome).increment(1);
}
