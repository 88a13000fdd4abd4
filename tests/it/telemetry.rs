//! The metrics page.

use guichet::telemetry::{metric_names, metrics};

#[test]
fn metrics_are_installed_once_and_show_counts_buckets_and_the_process() {
    let first = metrics::install().expect("metrics");
    let second = metrics::install().expect("the same metrics again");
    let labels = [("method", "GET"), ("route", "/telemetry-test"), ("status", "200")];
    ::metrics::histogram!(metric_names::HTTP_REQUEST_DURATION_SECONDS, &labels).record(0.3);
    first.upkeep();
    let text = second.render();
    let bucket = r#"http_request_duration_seconds_bucket{method="GET",route="/telemetry-test",status="200",le="0.5"} 1"#;
    assert!(text.contains(bucket), "{text}");
    for name in
        [metric_names::MESSAGES_SENT, metric_names::WS_ACTIVE_CONNECTIONS, metric_names::WS_SLOW_CONSUMERS]
    {
        assert!(text.contains(&format!("\n{name} ")), "{name} is missing in {text}");
    }
    assert!(text.contains("process_resident_memory_bytes"), "{text}");
}
