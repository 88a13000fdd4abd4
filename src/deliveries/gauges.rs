//! Updates the gauges of the delivery queue every 10 seconds: depth and oldest due delivery of each lane.

use std::time::Duration;

use guichet_base::Result;
use metrics::gauge;
use tokio_util::sync::CancellationToken;

use super::{Deliveries, store};
use crate::telemetry::metric_names::{DELIVERY_OLDEST_SECONDS, DELIVERY_QUEUE_DEPTH};

const UPDATE_INTERVAL: Duration = Duration::from_secs(10);

pub async fn run_gauges(d: Deliveries, stop: CancellationToken) {
    let mut tick = tokio::time::interval(UPDATE_INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = stop.cancelled() => return,
        }
        if let Err(error) = update_gauges(&d).await {
            tracing::debug!(%error, "failed to update the gauges of the delivery queue");
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "queue lengths and delays in milliseconds stay far below 2^53"
)]
pub async fn update_gauges(d: &Deliveries) -> Result<()> {
    let now = d.notifications.clock.now();
    for backlog in d.notifications.db.worker(move |tx| store::count::lane_backlogs(tx, now)).await? {
        let lane = backlog.lane.into_str();
        let millis = backlog.oldest_due_at.map_or(0, |at| now.as_millis() - at.as_millis());
        gauge!(DELIVERY_QUEUE_DEPTH, "lane" => lane).set(backlog.depth as f64);
        gauge!(DELIVERY_OLDEST_SECONDS, "lane" => lane).set(millis.max(0) as f64 / 1_000.0);
    }
    Ok(())
}
