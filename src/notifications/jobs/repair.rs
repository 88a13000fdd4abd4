//! Manual repair after a failure: publishes unpublished notifications, and corrects unread counters.
//! Deliveries need no repair: when the lease of a failed worker has expired, they are claimed again.

use std::sync::Arc;
use std::time::Duration;

use guichet_base::Result;
use guichet_base::id::TenantId;
use uuid::Uuid;

use super::store::repair::{self as store, Miscount};
use super::store::tenants;
use crate::notifications::socket_events::{self, UnreadCount};
use crate::notifications::{Notifications, summary};

const ROWS_PER_QUERY: i64 = 200;
/// Age from which a notification that is not yet published counts as lost.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(60);

/// Counts of what was repaired.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RepairReport {
    /// People who got a summary for unpublished notifications.
    pub summaries: u64,
    pub corrected_counters: u64,
}

pub async fn repair(n: &Notifications) -> Result<RepairReport> {
    let now = n.clock.now();
    let mut report = RepairReport::default();
    let mut after = None;
    loop {
        let found = n.db.worker(move |tx| tenants(tx, after, ROWS_PER_QUERY)).await?;
        let Some(last) = found.last().copied() else { break };
        for tenant in found {
            let people =
                n.db.system(tenant, move |tx| {
                    tx.as_system(|sys| store::hold_unpublished(sys, tenant, now.minus(PUBLISH_TIMEOUT), now))
                })
                .await?;
            report.summaries += u64::try_from(people).unwrap_or(0);
            report.corrected_counters += recount(n, tenant).await?;
        }
        after = Some(last);
    }
    summary::send_due(n, now).await?;
    Ok(report)
}

async fn recount(n: &Notifications, tenant: TenantId) -> Result<u64> {
    let (mut recounted, mut after) = (0, Uuid::nil());
    loop {
        let (last, suspects) =
            n.db.system(tenant, move |tx| {
                tx.as_system(|sys| store::find_miscounted(sys, tenant, after, ROWS_PER_QUERY))
            })
            .await?;
        let Some(last) = last else { return Ok(recounted) };
        if !suspects.is_empty() {
            recounted += recount_people(n, tenant, suspects).await?;
        }
        after = last;
    }
}

async fn recount_people(n: &Notifications, tenant: TenantId, people: Vec<Uuid>) -> Result<u64> {
    let hub = Arc::clone(&n.hub);
    n.db.system(tenant, move |tx| {
        let (miscounts, events) = tx.as_system(|sys| {
            let wrong = store::lock_miscounted(sys, tenant, &people)?;
            let events =
                wrong.iter().map(|miscount| unread_event(tenant, miscount)).collect::<Result<Vec<_>>>()?;
            if !wrong.is_empty() {
                store::correct_counters(sys, tenant, &wrong, &events)?;
            }
            Ok((wrong, events))
        })?;
        let hub = Arc::clone(&hub);
        tx.after_commit(move || {
            for event in events {
                hub.publish(Arc::new(event));
            }
        });
        Ok(u64::try_from(miscounts.len()).unwrap_or(0))
    })
    .await
}

fn unread_event(tenant: TenantId, wrong: &Miscount) -> Result<guichet_realtime::Event> {
    let payload = UnreadCount { count: wrong.counted.into() };
    socket_events::event(tenant, wrong.user_id, wrong.head + 1, socket_events::UNREAD, &payload)
}
