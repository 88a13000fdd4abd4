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
    /// In English, with every fault of the last attempt.
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

/// An event to store as rejected.
#[derive(Debug, Clone, Copy)]
pub struct Rejection<'a> {
    pub source: EventSource,
    /// Identifies further copies of the event. `None` if there are none.
    pub name: Option<&'a str>,
    pub body: &'a Value,
    pub error: &'a Error,
}

impl Rejection<'_> {
    /// The same id for all copies of one event.
    pub(super) fn id(&self, tenant: TenantId) -> Uuid {
        match self.name {
            Some(name) => Uuid::new_v5(&tenant.0, format!("{}:{name}", self.source.into_str()).as_bytes()),
            None => Uuid::now_v7(),
        }
    }
}

/// The faults, for the people who correct the event.
pub(super) fn reason(error: &Error) -> String {
    let said = serde_json::to_value(ErrorBody::new(error, Locale::En, None)).unwrap_or_default();
    let text =
        |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut reason = text(&said, "message");
    match said.get("details") {
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
pub(super) fn storable(body: &Value) -> Value {
    match body {
        Value::String(text) => without_nul(text).into(),
        Value::Array(items) => items.iter().map(storable).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (without_nul(name), storable(value))).collect()
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
        let said = reason(&Error::validation(faults));
        assert!(said.contains("payload.title: ") && said.contains("payload.n\u{FFFD}: "), "{said}");
        let many = (0..500).map(|n| Fault::new(format!("payload.field_{n}"), "missing")).collect();
        assert_eq!(reason(&Error::validation(many)).chars().count(), MAX_REASON_CHARS);
    }

    #[test]
    fn a_body_loses_nothing_but_what_cannot_be_stored() {
        let body = json!({"a\0": ["b\0", {"c": 1.5}, null, true]});
        assert_eq!(storable(&body), json!({"a\u{FFFD}": ["b\u{FFFD}", {"c": 1.5}, null, true]}));
    }

    #[test]
    fn copies_have_one_id_and_others_have_their_own() {
        let (tenant, error, body) = (TenantId::new(), Error::not_found("event"), json!({}));
        let of = |source, name| Rejection { source, name, body: &body, error: &error }.id(tenant);
        let entry = of(EventSource::Stream, Some("1-0"));
        assert_eq!(of(EventSource::Stream, Some("1-0")), entry);
        assert_ne!(of(EventSource::Channel, Some("1-0")), entry);
        assert_ne!(of(EventSource::Channel, None), of(EventSource::Channel, None));
    }
}
