//! Alerts owners and managers about failing emails with an in-app notification, which needs no provider.

use std::time::Duration;

use guichet_base::{Result, Timestamp};
use serde_json::json;

use super::Deliveries;
use super::store::count::{self, EmailFailures};
use crate::notifications::events::{self, payload};
use crate::notifications::model::{AnnouncedEvent, EventSource};
use crate::telemetry::metric_names::DELIVERY_FAILURE_ALERTS;

const FAILURE_WINDOW: Duration = Duration::from_secs(15 * 60);
/// With fewer finished emails in the window, no alert is sent.
const MIN_OUTCOMES: i64 = 5;
const ALERT_INTERVAL: Duration = Duration::from_secs(3_600);
const ALERT_EVENT: &str = "email.failure_rate";

/// Alerts each tenant with too many failed emails within the last 15 minutes, at most once per hour. Runs every
/// minute; returns the number of alerts.
pub async fn alert_on_failures(d: &Deliveries, now: Timestamp) -> Result<u64> {
    let percent = d.settings.failure_alert_percent;
    let failing = d
        .notifications
        .db
        .worker(move |tx| count::tenants_with_failures(tx, now.minus(FAILURE_WINDOW), MIN_OUTCOMES, percent))
        .await?;
    let mut alert_count = 0;
    for failures in failing {
        let tenant = failures.tenant_id;
        let hour_ago = now.minus(ALERT_INTERVAL);
        if d.notifications.db.system(tenant, move |tx| count::was_alerted(tx, tenant, hour_ago)).await? {
            continue;
        }
        let result = events::accept_as_system(&d.notifications, tenant, build_alert(&failures, now)).await;
        let accepted = match result {
            Ok(accepted) => accepted,
            // A tenant that cannot be alerted, for example because notifications are off, must not stop the others.
            Err(error) => {
                tracing::warn!(error.cause = %error, tenant.id = %tenant, "failed to notify operators of failing emails");
                continue;
            }
        };
        if !accepted.replayed {
            metrics::counter!(DELIVERY_FAILURE_ALERTS).increment(1);
            tracing::error!(tenant.id = %tenant, failed = failures.failed, total = failures.total, "too many failed emails");
            alert_count += 1;
        }
    }
    Ok(alert_count)
}

fn build_alert(failures: &EmailFailures, now: Timestamp) -> AnnouncedEvent {
    let rate = failures.failed * 100 / failures.total.max(1);
    let fields =
        [("rate", json!(rate)), ("failed", json!(failures.failed)), ("total", json!(failures.total))];
    AnnouncedEvent {
        event: ALERT_EVENT.to_owned(),
        payload: payload(fields),
        recipients: None,
        actor: None,
        occurred_at: None,
        // Two processes that check in the same minute use the same key, so that one alert is sent.
        idempotency_key: Some(format!("{ALERT_EVENT}:{}", now.as_millis() / 60_000)),
        source: EventSource::Internal,
        expires_at: None,
    }
}
