//! Processes one event: it is accepted, stored as a dead letter, or dropped as unreadable.

use std::panic::AssertUnwindSafe;
use strum::IntoStaticStr;

use futures_util::FutureExt as _;
use guichet_base::id::TenantId;
use guichet_base::{Error, ErrorKind, Result};
use metrics::counter;
use serde_json::Value;

use super::wire;
use crate::notifications::Notifications;
use crate::notifications::dead_letters::{self, Rejection};
use crate::notifications::events::{self, Accepted};
use crate::notifications::model::EventSource;
use crate::telemetry::metric_names::EVENTS_RECEIVED;

/// Maximum attempts at an event that fails with an internal error, before it is stored as a dead letter for a manual
/// retry.
const MAX_INTERNAL_ERROR_ATTEMPTS: u32 = 3;

/// An event as received from Redis.
pub(super) struct Received {
    pub source: EventSource,
    pub body: Result<Value>,
    /// Key that all copies share: the id of the stream entry, or a hash of the text. `None` without a usable identity.
    pub dedup_key: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase", const_into_str)]
pub(super) enum IntakeOutcome {
    Accepted,
    /// A copy was processed before.
    Repeated,
    Rejected,
    /// Not parseable, or its tenant is unknown, so it cannot be stored as a rejected event of a tenant.
    Unreadable,
    Lost,
    Postponed,
}

pub(super) fn count(source: EventSource, outcome: IntakeOutcome) {
    counter!(EVENTS_RECEIVED, "source" => source.into_str(), "outcome" => outcome.into_str()).increment(1);
}

/// Processes an event and returns after the commit. `tries` is the number of the attempt, from 1. Errors: temporary
/// failures, after which the caller must retry.
pub(super) async fn process_event(
    n: &Notifications,
    received: &Received,
    tries: u32,
) -> Result<IntakeOutcome> {
    // A panic counts as a failure of this event; it must not end the task that receives all events.
    let result = AssertUnwindSafe(process_attempt(n, received, tries)).catch_unwind().await;
    let outcome = result.unwrap_or_else(|_| Err(Error::internal("panicked")))?;
    count(received.source, outcome);
    Ok(outcome)
}

async fn process_attempt(n: &Notifications, received: &Received, tries: u32) -> Result<IntakeOutcome> {
    let source = received.source.into_str();
    let body = match &received.body {
        Ok(body) => body,
        Err(error) => return Ok(log_unreadable(source, error.code())),
    };
    let tenant = match wire::tenant_name(body) {
        Some(word) => n.directory.find_tenant_by_name(word).await?,
        None => None,
    };
    let Some(tenant) = tenant else { return Ok(log_unreadable(source, "UNKNOWN_TENANT")) };
    let error = match accept(n, tenant, received, body).await {
        Ok(Accepted { replayed: false, .. }) => return Ok(IntakeOutcome::Accepted),
        Ok(Accepted { replayed: true, .. }) => return Ok(IntakeOutcome::Repeated),
        Err(error) => error,
    };
    let is_temporary = match error.kind() {
        ErrorKind::Unavailable | ErrorKind::RateLimited | ErrorKind::Timeout => true,
        ErrorKind::Internal => tries < MAX_INTERNAL_ERROR_ATTEMPTS,
        _ => false,
    };
    if is_temporary {
        return Err(error);
    }
    if error.kind() == ErrorKind::Internal {
        tracing::error!(event.source = source, %tenant, %error, "an event failed with an internal error");
    }
    let name = received.dedup_key.as_deref();
    let is_new = dead_letters::store_rejection(
        n,
        tenant,
        &Rejection { source: received.source, dedup_key: name, body, error: &error },
    )
    .await?;
    if is_new {
        tracing::warn!(event.source = source, %tenant, error.code = error.code(), "an event was rejected");
    }
    Ok(if is_new { IntakeOutcome::Rejected } else { IntakeOutcome::Repeated })
}

async fn accept(n: &Notifications, tenant: TenantId, received: &Received, body: &Value) -> Result<Accepted> {
    let mut announced = wire::parse_event(body, received.source)?;
    if !wire::has_identity(body)
        && let (EventSource::Stream, Some(entry)) = (received.source, &received.dedup_key)
    {
        announced.idempotency_key = Some(format!("stream:{entry}"));
    }
    events::accept_as_system(n, tenant, announced).await
}

/// Counts an event as unreadable. Its text is not logged, since it may contain personal data.
fn log_unreadable(source: &'static str, code: &'static str) -> IntakeOutcome {
    tracing::warn!(
        event.source = source,
        error.code = code,
        "an event is malformed or names an unknown tenant"
    );
    IntakeOutcome::Unreadable
}
