//! Manual repair after a failure: notifications that were not published, and counters that do not match their rows.
//! Deliveries need no repair: the next claim takes them when the lease of a dead sender has ended.

use std::sync::Arc;
use std::time::Duration;

use guichet_base::Result;
use guichet_base::id::TenantId;
use uuid::Uuid;

use super::store::repair::{self as store, Miscount};
use super::store::tenants;
use crate::notifications::socket_events::{self, UnreadCount};
use crate::notifications::{Notifications, summary};

const AT_ONCE: i64 = 200;
/// How long publishing a notification may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was repaired.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Repaired {
    /// People who got a summary for unpublished notifications.
    pub told: u64,
    pub recounted: u64,
}

pub async fn repair(n: &Notifications) -> Result<Repaired> {
    let now = n.clock.now();
    let mut done = Repaired::default();
    let mut after = None;
    loop {
        let found = n.db.worker(move |tx| tenants(tx, after, AT_ONCE)).await?;
        let Some(last) = found.last().copied() else { break };
        for tenant in found {
            let held =
                n.db.system(tenant, move |tx| {
                    tx.as_system(|sys| store::hold_untold(sys, tenant, now.minus(PATIENCE), now))
                })
                .await?;
            done.told += u64::try_from(held).unwrap_or(0);
            done.recounted += recount(n, tenant).await?;
        }
        after = Some(last);
    }
    summary::send_due(n, now).await?;
    Ok(done)
}

async fn recount(n: &Notifications, tenant: TenantId) -> Result<u64> {
    let (mut recounted, mut after) = (0, Uuid::nil());
    loop {
        let (last, suspects) =
            n.db.system(tenant, move |tx| tx.as_system(|sys| store::suspects(sys, tenant, after, AT_ONCE)))
                .await?;
        let Some(last) = last else { return Ok(recounted) };
        if !suspects.is_empty() {
            recounted += of_people(n, tenant, suspects).await?;
        }
        after = last;
    }
}

async fn of_people(n: &Notifications, tenant: TenantId, people: Vec<Uuid>) -> Result<u64> {
    let hub = Arc::clone(&n.hub);
    n.db.system(tenant, move |tx| {
        let (wrong, events) = tx.as_system(|sys| {
            let wrong = store::miscounts(sys, tenant, &people)?;
            let events = wrong.iter().map(|one| event(tenant, one)).collect::<Result<Vec<_>>>()?;
            if !wrong.is_empty() {
                store::recount(sys, tenant, &wrong, &events)?;
            }
            Ok((wrong, events))
        })?;
        let hub = Arc::clone(&hub);
        tx.after_commit(move || {
            for event in events {
                hub.publish(Arc::new(event));
            }
        });
        Ok(u64::try_from(wrong.len()).unwrap_or(0))
    })
    .await
}

fn event(tenant: TenantId, wrong: &Miscount) -> Result<guichet_realtime::Event> {
    let payload = UnreadCount { count: wrong.counted.into() };
    socket_events::event(tenant, wrong.user_id, wrong.head + 1, socket_events::UNREAD, &payload)
}
