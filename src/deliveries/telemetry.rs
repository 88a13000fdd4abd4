//! Log lines and metrics of deliveries, without content or complete address.

use super::model::{DeliveryStatus, mask_address};
use super::sender::OutgoingDelivery;
use super::store::attempt::DeliveryOutcome;
use crate::notifications::templates;
use crate::telemetry::metric_names::NOTIFICATIONS_SENT;

/// A delivery reached a final state, or was postponed.
pub fn record_outcome(outcome: &DeliveryOutcome, what: &OutgoingDelivery) {
    let (id, tenant) = (what.id, what.tenant);
    let (channel, error) = (what.channel.into_str(), outcome.last_error.as_deref().unwrap_or_default());
    match outcome.status {
        DeliveryStatus::Sent | DeliveryStatus::Delivered | DeliveryStatus::Opened => tracing::info!(
            event = "notification.sent", delivery.id = %id, tenant.id = %tenant, delivery.channel = channel,
            delivery.r#type = what.kind, delivery.provider = outcome.provider, delivery.attempts = outcome.attempts,
            "a notification left the house"
        ),
        DeliveryStatus::Skipped => tracing::info!(
            event = "notification.skipped", delivery.id = %id, tenant.id = %tenant, delivery.channel = channel,
            delivery.r#type = what.kind, delivery.reason = error, "a notification did not leave the house"
        ),
        DeliveryStatus::Failed | DeliveryStatus::Bounced => tracing::warn!(
            event = "notification.failed", delivery.id = %id, tenant.id = %tenant, delivery.channel = channel,
            delivery.r#type = what.kind, delivery.to = mask_address(what.channel, &what.to),
            delivery.attempts = outcome.attempts, delivery.error = error, "a delivery failed for good"
        ),
        DeliveryStatus::Sending => tracing::warn!(
            delivery.id = %id, tenant.id = %tenant, delivery.channel = channel, delivery.error = error,
            "nobody knows whether a delivery left: it waits to be settled"
        ),
        DeliveryStatus::Queued => {
            tracing::debug!(delivery.id = %id, delivery.error = error, "a delivery is tried later");
            return;
        }
    }
    if outcome.status != DeliveryStatus::Sending {
        metrics::counter!(NOTIFICATIONS_SENT, "channel" => channel, "type" => template_label(&what.kind),
            "status" => outcome.status.into_str())
        .increment(1);
    }
}

/// A worker returned after its lease expired: another process holds the row, or has completed it. If the provider
/// accepted this copy too, its id for it is only in this log line.
pub fn record_late_result(outcome: &DeliveryOutcome, what: &OutgoingDelivery) {
    tracing::warn!(
        delivery.id = %what.id, tenant.id = %what.tenant, delivery.channel = what.channel.into_str(),
        delivery.status = outcome.status.into_str(), delivery.provider = outcome.provider,
        delivery.provider_id = outcome.provider_id, "a late end of a delivery was refused"
    );
}

/// From a closed set, as labels must be: built-in templates, and digests.
fn template_label(code: &str) -> &'static str {
    match templates::built_in(code) {
        Some(template) => template.code.as_str(),
        None if code == "digest" => "digest",
        None => "other",
    }
}
