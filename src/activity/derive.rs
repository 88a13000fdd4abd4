//! The rows that no action waits for: written from the outbox a moment after it, exactly once.
//!
//! Any durable event whose `fanout` carries a `log` gets its row. One process at a time does it, under the lock of its
//! place in `outbox_readers`; the place moves in the transaction of the rows, and the outbox keeps what was not read.

use std::time::Duration;

use guichet_base::Result;
use guichet_db::Db;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::store;
use crate::telemetry::names::JOB_RUNS;

const EVERY: Duration = Duration::from_secs(1);
/// Events of one transaction of the job.
const AT_ONCE: i64 = 2_000;
/// Months of partitions that stand ready, should nobody make new ones.
const AHEAD_MONTHS: i32 = 3;

/// Derives until told to stop. Not by the scheduler: each second is too dear for a lease, and the reader's place is one.
pub async fn run(db: Db, stop: CancellationToken) {
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = stop.cancelled() => return,
        }
        let done = derive(&db).await;
        if !matches!(done, Ok(0)) {
            note(&done);
        }
    }
}

/// Writes every row that can be written now. Says in how many stretches.
pub async fn derive(db: &Db) -> Result<usize> {
    let mut stretches = 0;
    while db.worker(|tx| store::derive(tx, AT_ONCE)).await? {
        stretches += 1;
    }
    Ok(stretches)
}

/// Makes the partitions of the months ahead, and drops those that are older than `keep_days`.
pub async fn keep(db: &Db, keep_days: i32) -> Result<()> {
    db.worker(move |tx| store::keep(tx, AHEAD_MONTHS, keep_days)).await
}

fn note(done: &Result<usize>) {
    let job = "activity.derive";
    if let Err(error) = done {
        tracing::warn!(%error, job, "a job of the activity log failed; trying again");
    }
    let outcome = if done.is_ok() { "ok" } else { "error" };
    metrics::counter!(JOB_RUNS, "job" => job, "outcome" => outcome).increment(1);
}
