//! Log lines and metrics of deliveries, without content or complete address.

use super::model::{DeliveryStatus, mask_address};
use super::sender::OutgoingDelivery;
use super::store::attempt::DeliveryOutcome;
use crate::notifications::templates;
use crate::telemetry::metric_names::NOTIFICATIONS_SENT;

/// Logs and counts a written outcome: a final state, a postponement, or an unknown result.
pub fn record_outcome(outcome: &DeliveryOutcome, delivery: &OutgoingDelivery) {
    let (id, tenant) = (delivery.id, delivery.tenant);
    let (channel, error) = (delivery.channel.into_str(), outcome.last_error.as_deref().unwrap_or_default());
    match outcome.status {
        DeliveryStatus::Sent | DeliveryStatus::Delivered | DeliveryStatus::Opened => tracing::info!(
            event = "notification.sent", delivery.id = %id, tenant.id = %tenant, delivery.channel = channel,
            delivery.r#type = delivery.kind, delivery.provider = outcome.provider, delivery.attempts = outcome.attempts,
            "delivery sent"
        ),
        DeliveryStatus::Skipped => tracing::info!(
            event = "notification.skipped", delivery.id = %id, tenant.id = %tenant, delivery.channel = channel,
            delivery.r#type = delivery.kind, delivery.reason = error, "delivery skipped"
        ),
        DeliveryStatus::Failed | DeliveryStatus::Bounced => tracing::warn!(
            event = "notification.failed", delivery.id = %id, tenant.id = %tenant, delivery.channel = channel,
            delivery.r#type = delivery.kind, delivery.to = mask_address(delivery.channel, &delivery.to),
            delivery.attempts = outcome.attempts, delivery.error = error, "delivery failed permanently"
        ),
        DeliveryStatus::Sending => tracing::warn!(
            delivery.id = %id, tenant.id = %tenant, delivery.channel = channel, delivery.error = error,
            "delivery result unknown; waiting for a manual retry"
        ),
        DeliveryStatus::Queued => {
            tracing::debug!(delivery.id = %id, delivery.error = error, "delivery postponed");
            return;
        }
    }
    if outcome.status != DeliveryStatus::Sending {
        metrics::counter!(NOTIFICATIONS_SENT, "channel" => channel, "type" => template_label(&delivery.kind),
            "status" => outcome.status.into_str())
        .increment(1);
    }
}

/// Logs a result that was refused because the lease expired: another worker holds or completed the row. If the provider
/// accepted this attempt too, its id of the message is only in this log line.
pub fn record_late_result(outcome: &DeliveryOutcome, delivery: &OutgoingDelivery) {
    tracing::warn!(
        delivery.id = %delivery.id, tenant.id = %delivery.tenant, delivery.channel = delivery.channel.into_str(),
        delivery.status = outcome.status.into_str(), delivery.provider = outcome.provider,
        delivery.provider_id = outcome.provider_id, "delivery result refused: the lease has expired"
    );
}

/// The metric label of a template code, from a closed set: built-in templates, `digest` and `other`.
fn template_label(code: &str) -> &'static str {
    match templates::built_in(code) {
        Some(template) => template.code.as_str(),
        None if code == "digest" => "digest",
        None => "other",
    }
}
