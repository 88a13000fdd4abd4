//! What has to be tidied up from time to time, whoever does it: harmless when several processes do.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::base::Clock;
use crate::db::Db;
use crate::identity::connect;
use crate::telemetry::names::JOB_RUNS;
use crate::web::idempotency;

const EVERY: Duration = Duration::from_secs(600);
/// How long the answer to an `Idempotency-Key` is kept.
const KEYS_LAST: Duration = Duration::from_secs(24 * 3600);

pub async fn run(db: Db, clock: Clock, stop: CancellationToken) {
    let mut tick = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = stop.cancelled() => return,
        }
        let outcome = match idempotency::sweep(&db, clock.now().minus(KEYS_LAST)).await {
            Ok(_) => "ok",
            Err(error) => {
                tracing::warn!(%error, "old idempotency keys were not removed");
                "error"
            }
        };
        metrics::counter!(JOB_RUNS, "job" => "idempotency.sweep", "outcome" => outcome).increment(1);
        let outcome = match connect::sweep(&db, clock.now()).await {
            Ok(_) => "ok",
            Err(error) => {
                tracing::warn!(%error, "expired connect tickets were not removed");
                "error"
            }
        };
        metrics::counter!(JOB_RUNS, "job" => "connect_tickets.sweep", "outcome" => outcome).increment(1);
    }
}
