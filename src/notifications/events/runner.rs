//! Writes the notifications of large audiences in chunks: critical events first, then those waiting longest. A chunk
//! and the position after it commit together, so that a crash loses nothing and writes nothing twice.

use std::time::Duration;

use guichet_base::Result;
use guichet_base::id::{EventId, TenantId};
use tokio_util::sync::CancellationToken;

use super::store::{self, Step};
use crate::notifications::Notifications;
use crate::notifications::pipeline::{self, AudienceSegment};

/// How soon another process takes over an unfinished event.
const EVERY: Duration = Duration::from_secs(1);
/// Events processed in turns.
const AT_ONCE: i64 = 16;

/// Writes pending chunks until `stop` is cancelled.
pub async fn run(n: Notifications, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = n.wake.notified() => {}
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => return,
        }
        loop {
            match turn(&n).await {
                Ok(true) if !stop.is_cancelled() => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "notifications of a large audience were not written; trying again");
                    break;
                }
            }
        }
    }
}

/// Writes one chunk of the next event. Returns whether there was one.
pub async fn turn(n: &Notifications) -> Result<bool> {
    for (tenant, event) in n.db.worker(|tx| store::waiting(tx, AT_ONCE)).await? {
        match chunk(n, tenant, event).await {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            // A failing event goes to the end of the queue, so that it delays no other.
            Err(error) => {
                tracing::error!(error.cause = %error, tenant.id = %tenant, event.id = %event, "a chunk of a large audience was not written; trying again");
                let now = n.clock.now();
                n.db.system(tenant, move |tx| tx.as_system(|sys| store::put_back(sys, tenant, event, now)))
                    .await?;
            }
        }
    }
    Ok(false)
}

/// Returns whether a chunk was written; another process may hold the event.
async fn chunk(n: &Notifications, tenant: TenantId, event: EventId) -> Result<bool> {
    let task = n.clone();
    n.db.system(tenant, move |tx| {
        let Some(running) = tx.as_system(|sys| store::running(sys, tenant, event))? else { return Ok(false) };
        let stretch = AudienceSegment {
            event,
            plan: &running.plan,
            audience: &running.audience,
            actor: running.actor,
            group_key: None,
            up_to: running.up_to,
            looking: &[],
        };
        let done = pipeline::step(&task, tx, tenant, &stretch)?;
        let step =
            Step { written: done.written, skipped: done.skipped, up_to: done.up_to, is_last: done.is_last };
        tx.as_system(|sys| store::advance(sys, tenant, event, &step, task.clock.now()))?;
        Ok(true)
    })
    .await
}
