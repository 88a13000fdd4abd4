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

/// Attempts at an event that fails by a fault of guichet itself, before it is stored as a dead letter for a manual
/// retry.
const TRIES_OF_FAULTS: u32 = 3;

/// One event as received.
pub(super) struct Received {
    pub source: EventSource,
    pub body: Result<Value>,
    /// Identifies further copies: the id of the stream entry, or a hash of the text. `None` if there are none.
    pub name: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase", const_into_str)]
pub(super) enum IntakeOutcome {
    Accepted,
    /// A copy arrived before.
    Repeated,
    Rejected,
    /// Of no known tenant, so there is no feed of rejected events to show it in.
    Unreadable,
    Lost,
    Postponed,
}

pub(super) fn count(source: EventSource, outcome: IntakeOutcome) {
    counter!(EVENTS_RECEIVED, "source" => source.into_str(), "outcome" => outcome.into_str()).increment(1);
}

/// Returns when the outcome is committed. `tries` counts from 1. Errors: temporary failures, after which the event is
/// to be retried.
pub(super) async fn settle(n: &Notifications, received: &Received, tries: u32) -> Result<IntakeOutcome> {
    // A panic counts as a failure of this event; it must not end the task that receives all events.
    let settled = AssertUnwindSafe(try_once(n, received, tries)).catch_unwind().await;
    let outcome = settled.unwrap_or_else(|_| Err(Error::internal("panicked")))?;
    count(received.source, outcome);
    Ok(outcome)
}

async fn try_once(n: &Notifications, received: &Received, tries: u32) -> Result<IntakeOutcome> {
    let source = received.source.into_str();
    let body = match &received.body {
        Ok(body) => body,
        Err(error) => return Ok(unreadable(source, error.code())),
    };
    let tenant = match wire::tenant_word(body) {
        Some(word) => n.directory.find_tenant_by_name(word).await?,
        None => None,
    };
    let Some(tenant) = tenant else { return Ok(unreadable(source, "UNKNOWN_TENANT")) };
    let error = match accept(n, tenant, received, body).await {
        Ok(Accepted { replayed: false, .. }) => return Ok(IntakeOutcome::Accepted),
        Ok(Accepted { replayed: true, .. }) => return Ok(IntakeOutcome::Repeated),
        Err(error) => error,
    };
    let may_pass = match error.kind() {
        ErrorKind::Unavailable | ErrorKind::RateLimited | ErrorKind::Timeout => true,
        ErrorKind::Internal => tries < TRIES_OF_FAULTS,
        _ => false,
    };
    if may_pass {
        return Err(error);
    }
    if error.kind() == ErrorKind::Internal {
        tracing::error!(event.source = source, %tenant, %error, "an event failed by a fault of the service");
    }
    let name = received.name.as_deref();
    let is_new =
        dead_letters::keep(n, tenant, &Rejection { source: received.source, name, body, error: &error })
            .await?;
    if is_new {
        tracing::warn!(event.source = source, %tenant, error.code = error.code(), "an event was rejected");
    }
    Ok(if is_new { IntakeOutcome::Rejected } else { IntakeOutcome::Repeated })
}

async fn accept(n: &Notifications, tenant: TenantId, received: &Received, body: &Value) -> Result<Accepted> {
    let mut what = wire::announced(body, received.source)?;
    if !wire::is_named(body)
        && let (EventSource::Stream, Some(entry)) = (received.source, &received.name)
    {
        what.idempotency_key = Some(format!("stream:{entry}"));
    }
    events::accept_as_system(n, tenant, what).await
}

/// The text may contain anything and is therefore not logged.
fn unreadable(source: &'static str, code: &'static str) -> IntakeOutcome {
    tracing::warn!(
        event.source = source,
        error.code = code,
        "an event could not be read, or is of no known tenant"
    );
    IntakeOutcome::Unreadable
}
