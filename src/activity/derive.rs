//! The rows that no action waits for: written from the outbox a moment after it, exactly once.
//!
//! Any durable event whose `fanout` carries a `log` gets its row. One process at a time does it, under the lock of its
//! place in `outbox_readers`; the place moves in the transaction of the rows, and the outbox keeps what was not read.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::store;
use crate::base::Result;
use crate::db::Db;
use crate::telemetry::names::JOB_RUNS;

const EVERY: Duration = Duration::from_secs(1);
/// Events of one transaction of the job.
const AT_ONCE: i64 = 2_000;
const KEEP_EVERY: Duration = Duration::from_secs(3_600);
/// Months of partitions that stand ready, should nobody make new ones.
const AHEAD_MONTHS: i32 = 3;

/// Derives and keeps partitions, until told to stop.
pub async fn run(db: Db, keep_days: i32, stop: CancellationToken) {
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut kept: Option<Instant> = None;
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = stop.cancelled() => return,
        }
        if kept.is_none_or(|at| at.elapsed() >= KEEP_EVERY) {
            let done = db.worker(move |tx| store::keep(tx, AHEAD_MONTHS, keep_days)).await;
            note("activity.keep", &done);
            kept = done.is_ok().then(Instant::now).or(kept);
        }
        let done = derive(&db).await;
        if !matches!(done, Ok(0)) {
            note("activity.derive", &done.map(drop));
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

fn note(job: &'static str, done: &Result<()>) {
    if let Err(error) = done {
        tracing::warn!(%error, job, "a job of the activity log failed; trying again");
    }
    let outcome = if done.is_ok() { "ok" } else { "error" };
    metrics::counter!(JOB_RUNS, "job" => job, "outcome" => outcome).increment(1);
}
