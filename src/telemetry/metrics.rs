//! The metrics of the process, and their text for `/metrics`.
//!
//! Modules record with the macros of the `metrics` crate and the constants of `metric_names`. Before `install`, they
//! have no effect.

use ::metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;
use parking_lot::Mutex;

use super::metric_names;

/// Content type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Upper bounds in seconds, dense around the objectives: delivery within 80 ms, sends within 500 ms.
const HTTP_BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
const DELIVERY_BUCKETS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.0, 2.0, 5.0];

// The metrics crate has one recorder per process, so there is one handle.
static INSTALLED: Mutex<Option<Metrics>> = Mutex::new(None);

/// Handle to the process's metrics. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
    process: Collector,
}

/// Starts recording, once per process; later calls return the same metrics. Errors: another recorder is installed.
pub fn install() -> anyhow::Result<Metrics> {
    // Held during the installation, so that a concurrent first call waits.
    let mut installed = INSTALLED.lock();
    if let Some(metrics) = &*installed {
        return Ok(metrics.clone());
    }
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(
            Matcher::Full(metric_names::HTTP_REQUEST_DURATION_SECONDS.into()),
            HTTP_BUCKETS,
        )?
        .set_buckets_for_metric(
            Matcher::Full(metric_names::MESSAGE_DELIVERY_SECONDS.into()),
            DELIVERY_BUCKETS,
        )?
        .build_recorder();
    let metrics = Metrics { handle: recorder.handle(), process: Collector::default() };
    ::metrics::set_global_recorder(recorder).context("another metrics recorder is already installed")?;
    describe();
    metrics.process.describe();
    Ok(installed.insert(metrics).clone())
}

impl Metrics {
    /// The metrics in the Prometheus text format, with current process metrics (memory, CPU, file descriptors).
    pub fn render(&self) -> String {
        self.process.collect();
        self.handle.render()
    }

    /// Folds pending histogram samples into their buckets. Call it every few seconds: without scrapes, memory would
    /// grow with each sample.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}

/// Describes each metric, and publishes those without labels from the start, since an alert cannot use a counter that
/// does not exist yet.
fn describe() {
    describe_gauge!(metric_names::WS_ACTIVE_CONNECTIONS, "Open sockets");
    describe_counter!(metric_names::MESSAGES_SENT, "Messages committed");
    describe_histogram!(
        metric_names::MESSAGE_DELIVERY_SECONDS,
        Unit::Seconds,
        "From a message's arrival to its delivery to a recipient's socket"
    );
    describe_histogram!(
        metric_names::HTTP_REQUEST_DURATION_SECONDS,
        Unit::Seconds,
        "Time to answer, by method, route pattern and status"
    );
    describe_counter!(metric_names::WS_FRAMES, "Frames on sockets, by direction and dialect");
    describe_counter!(
        metric_names::WS_SLOW_CONSUMERS,
        "Sockets that had to resume because their queue was full"
    );
    describe_gauge!(metric_names::DB_POOL_IN_USE, "Connections in use, by pool");
    describe_gauge!(metric_names::DB_POOL_WAITING, "Callers that wait for a connection, by pool");
    describe_gauge!(metric_names::DB_POOL_SIZE, "Maximum number of connections, by pool");
    describe_counter!(metric_names::JOB_RUNS, "Runs of jobs, by job and outcome");
    describe_counter!(
        metric_names::EVENTS_RECEIVED,
        "Events from other backends over Redis, by source and outcome"
    );
    describe_gauge!(metric_names::PRESENCE_PEOPLE, "People online or idle, by status");
    describe_counter!(
        metric_names::NOTIFICATIONS_SENT,
        "Finished notification deliveries, by channel, type and status"
    );
    describe_gauge!(metric_names::DELIVERY_QUEUE_DEPTH, "Deliveries that are queued or under way, by lane");
    describe_gauge!(
        metric_names::DELIVERY_OLDEST_SECONDS,
        Unit::Seconds,
        "Seconds since the oldest waiting delivery became due, by lane"
    );
    describe_counter!(metric_names::DELIVERY_FAILURE_ALERTS, "Alerts about failing emails");
    counter!(metric_names::DELIVERY_FAILURE_ALERTS).absolute(0);
    gauge!(metric_names::WS_ACTIVE_CONNECTIONS).set(0.0);
    counter!(metric_names::MESSAGES_SENT).absolute(0);
    counter!(metric_names::WS_SLOW_CONSUMERS).absolute(0);
}
