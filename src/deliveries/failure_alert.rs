//! Alerts about failing emails: owners and managers get an in-app notification, which needs no provider.

use std::time::Duration;

use guichet_base::{Result, Timestamp};
use serde_json::json;

use super::Deliveries;
use super::store::count::{self, EmailFailures};
use crate::notifications::events::{self, payload};
use crate::notifications::model::{Announced, EventSource};
use crate::telemetry::metric_names::DELIVERY_FAILURE_ALERTS;

const WINDOW: Duration = Duration::from_secs(15 * 60);
/// With fewer outcomes, no rate is computed.
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
        .worker(move |tx| count::tenants_with_failures(tx, now.minus(WINDOW), MIN_OUTCOMES, percent))
        .await?;
    let mut told = 0;
    for ended in failing {
        let tenant = ended.tenant_id;
        let hour_ago = now.minus(ALERT_INTERVAL);
        if d.notifications.db.system(tenant, move |tx| count::was_alerted(tx, tenant, hour_ago)).await? {
            continue;
        }
        let told_now = events::accept_as_system(&d.notifications, tenant, build_alert(&ended, now)).await;
        let accepted = match told_now {
            Ok(accepted) => accepted,
            // A tenant that cannot be alerted, for example because notifications are off, must not stop the others.
            Err(error) => {
                tracing::warn!(error.cause = %error, tenant.id = %tenant, "the operators could not be notified of failing emails");
                continue;
            }
        };
        if !accepted.replayed {
            metrics::counter!(DELIVERY_FAILURE_ALERTS).increment(1);
            tracing::error!(tenant.id = %tenant, failed = ended.failed, total = ended.total, "too many emails fail");
            told += 1;
        }
    }
    Ok(told)
}

fn build_alert(ended: &EmailFailures, now: Timestamp) -> Announced {
    let rate = ended.failed * 100 / ended.total.max(1);
    let fields = [("rate", json!(rate)), ("failed", json!(ended.failed)), ("total", json!(ended.total))];
    Announced {
        event: ALERT_EVENT.to_owned(),
        payload: payload(fields),
        recipients: None,
        actor: None,
        occurred_at: None,
        // Two processes that check in the same minute announce the same event.
        idempotency_key: Some(format!("{ALERT_EVENT}:{}", now.as_millis() / 60_000)),
        source: EventSource::Internal,
        expires_at: None,
    }
}
