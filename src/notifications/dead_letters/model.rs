//! A rejected event as stored and as the API returns it.

use guichet_base::id::{EventId, TenantId};
use guichet_base::{Error, Locale, Timestamp};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::notifications::model::EventSource;
use crate::web::ErrorBody;

/// Length of `rejected_events.reason`.
const MAX_REASON_CHARS: usize = 2_000;

/// An event from Redis that could not be accepted.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RejectedEvent {
    pub id: Uuid,
    /// `channel` or `stream`.
    #[schema(example = "stream")]
    pub source: String,
    /// The event as received.
    #[schema(value_type = Object, example = json!({"event": "mandat.created", "payload": {"tenant_id": "demo", "mandat_id": "42"}}))]
    pub body: Value,
    #[schema(example = "VALIDATION_ERROR")]
    pub code: String,
    /// The error message in English, with every fault of the last attempt.
    #[schema(example = "Some values are not right. payload.title: missing")]
    pub reason: String,
    /// Number of failed retries.
    #[schema(example = 0)]
    pub retries: i32,
    /// The event that a retry created.
    #[schema(required)]
    pub event_id: Option<EventId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A rejected event to store.
#[derive(Debug, Clone, Copy)]
pub struct Rejection<'a> {
    pub source: EventSource,
    /// Key that all copies of the event share. `None` if the event cannot have copies.
    pub dedup_key: Option<&'a str>,
    pub body: &'a Value,
    pub error: &'a Error,
}

impl Rejection<'_> {
    /// Returns the row's id, which is the same for all copies of one event.
    pub(super) fn id(&self, tenant: TenantId) -> Uuid {
        match self.dedup_key {
            Some(key) => Uuid::new_v5(&tenant.0, format!("{}:{key}", self.source.into_str()).as_bytes()),
            None => Uuid::now_v7(),
        }
    }
}

/// Formats the message and the faults of an error for the column `reason`.
pub(super) fn rejection_reason(error: &Error) -> String {
    let body = serde_json::to_value(ErrorBody::new(error, Locale::En, None)).unwrap_or_default();
    let text =
        |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut reason = text(&body, "message");
    match body.get("details") {
        Some(Value::Array(faults)) => {
            for fault in faults {
                reason.push_str(&format!(" {}: {}", text(fault, "field"), text(fault, "message")));
            }
        }
        Some(details) => reason.push_str(&format!(" {details}")),
        None => {}
    }
    without_nul(&reason).chars().take(MAX_REASON_CHARS).collect()
}

/// Replaces U+0000 by U+FFFD, since `jsonb` cannot store it.
pub(super) fn without_nul_characters(body: &Value) -> Value {
    match body {
        Value::String(text) => without_nul(text).into(),
        Value::Array(items) => items.iter().map(without_nul_characters).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (without_nul(name), without_nul_characters(value))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => body.clone(),
    }
}

fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use guichet_base::Fault;

    #[test]
    fn a_reason_names_every_fault_and_fits_its_column() {
        let faults = vec![Fault::new("payload.title", "missing"), Fault::new("payload.n\0", "missing")];
        let text = rejection_reason(&Error::validation(faults));
        assert!(text.contains("payload.title: ") && text.contains("payload.n\u{FFFD}: "), "{text}");
        let many = (0..500).map(|n| Fault::new(format!("payload.field_{n}"), "missing")).collect();
        assert_eq!(rejection_reason(&Error::validation(many)).chars().count(), MAX_REASON_CHARS);
    }

    #[test]
    fn a_body_loses_nothing_but_what_cannot_be_stored() {
        let body = json!({"a\0": ["b\0", {"c": 1.5}, null, true]});
        assert_eq!(
            without_nul_characters(&body),
            json!({"a\u{FFFD}": ["b\u{FFFD}", {"c": 1.5}, null, true]})
        );
    }

    #[test]
    fn copies_have_one_id_and_others_have_their_own() {
        let (tenant, error, body) = (TenantId::new(), Error::not_found("event"), json!({}));
        let id_of =
            |source, name| Rejection { source, dedup_key: name, body: &body, error: &error }.id(tenant);
        let entry = id_of(EventSource::Stream, Some("1-0"));
        assert_eq!(id_of(EventSource::Stream, Some("1-0")), entry);
        assert_ne!(id_of(EventSource::Channel, Some("1-0")), entry);
        assert_ne!(id_of(EventSource::Channel, None), id_of(EventSource::Channel, None));
    }
}
