//! Gauges that are sampled, and the upkeep of histograms.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use guichet_base::{Error, Result};
use guichet_db::Db;
use metrics::gauge;
use tokio_util::sync::CancellationToken;

use crate::telemetry::metric_names::{DB_POOL_IN_USE, DB_POOL_SIZE, DB_POOL_WAITING};
use crate::telemetry::metrics as telemetry;

const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// `/metrics`, for Prometheus.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/metrics").route(web::get().to(metrics_page)));
}

async fn metrics_page(db: web::Data<Db>) -> Result<HttpResponse> {
    update_gauges(&db);
    let metrics = telemetry::install().map_err(|error| Error::internal(error.to_string()))?;
    Ok(HttpResponse::Ok().content_type(telemetry::CONTENT_TYPE).body(metrics.render()))
}

#[expect(clippy::cast_precision_loss, reason = "pools are small")]
fn update_gauges(db: &Db) {
    for lane in db.pools() {
        gauge!(DB_POOL_SIZE, "pool" => lane.name()).set(lane.size() as f64);
        gauge!(DB_POOL_IN_USE, "pool" => lane.name()).set(lane.in_use() as f64);
        gauge!(DB_POOL_WAITING, "pool" => lane.name()).set(lane.waiting() as f64);
    }
}

pub async fn run_sampler(db: Db, stop: CancellationToken) {
    let mut tick = tokio::time::interval(UPKEEP_EVERY);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = stop.cancelled() => return,
        }
        update_gauges(&db);
        if let Ok(metrics) = telemetry::install() {
            metrics.upkeep();
        }
    }
}
