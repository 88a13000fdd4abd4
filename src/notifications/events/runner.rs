//! Writes the notifications of large audiences in chunks: critical events first, then those waiting longest. A chunk
//! and the position after it commit together, so that a crash loses nothing and writes nothing twice.

use std::time::Duration;

use guichet_base::Result;
use guichet_base::id::{EventId, TenantId};
use tokio_util::sync::CancellationToken;

use super::store::{self, ChunkResult};
use crate::notifications::Notifications;
use crate::notifications::pipeline::{self, AudienceSegment};

/// How often each process looks for unfinished events.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Number of unfinished events that are tried per turn.
const MAX_EVENTS_PER_TURN: i64 = 16;

/// Writes pending chunks until `stop` is cancelled.
pub async fn run(n: Notifications, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = n.audiences_due.notified() => {}
            () = tokio::time::sleep(POLL_INTERVAL) => {}
            () = stop.cancelled() => return,
        }
        loop {
            match write_next_chunk(&n).await {
                Ok(true) if !stop.is_cancelled() => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "failed to write pending notifications of large audiences; retrying");
                    break;
                }
            }
        }
    }
}

/// Writes one chunk of the next event. Returns whether there was one.
pub async fn write_next_chunk(n: &Notifications) -> Result<bool> {
    for (tenant, event) in n.db.worker(|tx| store::pending_events(tx, MAX_EVENTS_PER_TURN)).await? {
        match write_chunk(n, tenant, event).await {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            // A failing event moves to the end of the queue, so that it does not delay other events.
            Err(error) => {
                tracing::error!(error.cause = %error, tenant.id = %tenant, event.id = %event, "failed to write a chunk of a large audience; retrying");
                let now = n.clock.now();
                n.db.system(tenant, move |tx| {
                    tx.as_system(|sys| store::move_to_queue_end(sys, tenant, event, now))
                })
                .await?;
            }
        }
    }
    Ok(false)
}

/// Writes the next chunk of an event. Returns false if the event is finished or another process has locked it.
async fn write_chunk(n: &Notifications, tenant: TenantId, event: EventId) -> Result<bool> {
    let task = n.clone();
    n.db.system(tenant, move |tx| {
        let Some(running) = tx.as_system(|sys| store::lock_running(sys, tenant, event))? else {
            return Ok(false);
        };
        let segment = AudienceSegment {
            event,
            plan: &running.plan,
            audience: &running.audience,
            actor: running.actor,
            group_key: None,
            after: running.up_to,
            viewers: &[],
        };
        let result = pipeline::process_segment(&task, tx, tenant, &segment)?;
        let step = ChunkResult {
            written: result.written,
            skipped: result.skipped,
            up_to: result.last_user,
            is_last: result.is_last,
        };
        tx.as_system(|sys| store::record_chunk(sys, tenant, event, &step, task.clock.now()))?;
        Ok(true)
    })
    .await
}
