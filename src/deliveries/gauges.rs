//! Publishes the number of pending deliveries per lane every few seconds.

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
            tracing::debug!(%error, "the queue of deliveries could not be measured");
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "no queue is that long, and none waits that many milliseconds"
)]
pub async fn update_gauges(d: &Deliveries) -> Result<()> {
    let now = d.notifications.clock.now();
    for waiting in d.notifications.db.worker(move |tx| store::count::lane_backlogs(tx, now)).await? {
        let lane = waiting.lane.into_str();
        let millis = waiting.oldest_due_at.map_or(0, |at| now.as_millis() - at.as_millis());
        gauge!(DELIVERY_QUEUE_DEPTH, "lane" => lane).set(waiting.depth as f64);
        gauge!(DELIVERY_OLDEST_SECONDS, "lane" => lane).set(millis.max(0) as f64 / 1_000.0);
    }
    Ok(())
}
