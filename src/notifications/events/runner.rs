//! Large audiences, written a chunk at a time: critical events first, then whoever waited longest. A chunk and the
//! place it moves commit together, so a process that dies loses nothing and doubles nothing.

use std::time::Duration;

use guichet_base::Result;
use guichet_base::id::{EventId, TenantId};
use tokio_util::sync::CancellationToken;

use super::store::{self, Step};
use crate::notifications::Notifications;
use crate::notifications::pipeline::{self, AudienceSegment};

/// How soon an event is found that another process took over and did not finish.
const EVERY: Duration = Duration::from_secs(1);
/// Events that take turns.
const AT_ONCE: i64 = 16;

/// Writes what waits, until told to stop.
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

/// One chunk of the event whose turn it is. Whether there was one.
pub async fn turn(n: &Notifications) -> Result<bool> {
    for (tenant, event) in n.db.worker(|tx| store::waiting(tx, AT_ONCE)).await? {
        match chunk(n, tenant, event).await {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            // One that fails goes to the end of the row: it holds up nobody else.
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

/// Whether there was a chunk to write, which another process may have in hand.
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
