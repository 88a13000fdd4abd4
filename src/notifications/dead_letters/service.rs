//! Stores, lists and retries rejected events.

use guichet_base::id::TenantId;
use guichet_base::page::Page;
use guichet_base::{Actor, Error, ErrorKind, Result};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::model::{RejectedEvent, Rejection};
use super::store;
use crate::config::Feature;
use crate::notifications::events::{self, Accepted};
use crate::notifications::model::{AnnouncedEvent, EventSource};
use crate::notifications::{Notifications, intake, policy};

/// Stores a rejected event. Returns false if a copy is stored already.
pub async fn store_rejection(n: &Notifications, tenant: TenantId, rejection: &Rejection<'_>) -> Result<bool> {
    let (id, now) = (rejection.id(tenant), n.clock.now());
    let row = store::NewDeadLetter::from_rejection(id, rejection);
    n.db.system(tenant, move |tx| store::insert(tx, tenant, &row, now)).await
}

/// The rejected events, newest first. Errors: `FORBIDDEN`, `FEATURE_DISABLED`.
pub async fn list(n: &Notifications, actor: &Actor, page: Page) -> Result<Vec<RejectedEvent>> {
    policy::may_view_events(actor)?;
    n.directory.require(actor, Feature::Notifications).await?;
    let tenant = actor.tenant;
    n.db.read(actor, move |tx| store::list(tx, tenant, page)).await
}

/// Announces a rejected event again, with another payload if one is given. If it was accepted before, returns that
/// event.
///
/// Errors: `FORBIDDEN`, `FEATURE_DISABLED`, `NOT_FOUND`; the errors of announcing it, which the row then records.
pub async fn retry(
    n: &Notifications,
    actor: &Actor,
    id: Uuid,
    payload: Option<Map<String, Value>>,
) -> Result<Accepted> {
    policy::may_view_events(actor)?;
    n.directory.require(actor, Feature::Notifications).await?;
    let tenant = actor.tenant;
    let found = n.db.read(actor, move |tx| store::find(tx, tenant, id)).await?;
    let rejected = found.ok_or_else(|| Error::not_found("rejected event"))?;
    if let Some(event) = rejected.event_id {
        return Ok(Accepted { progress: events::progress(n, actor, event).await?, replayed: true });
    }
    let now = n.clock.now();
    let result = match corrected_event(rejected, payload) {
        Ok(announced_event) => events::accept_as_system(n, tenant, announced_event).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(accepted) => {
            let event = accepted.progress.id;
            n.db.system(tenant, move |tx| store::record_acceptance(tx, (tenant, id), event, now)).await?;
            Ok(accepted)
        }
        // Not the event's fault: keep the stored reason.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::Unavailable | ErrorKind::Internal | ErrorKind::RateLimited | ErrorKind::Timeout
            ) =>
        {
            Err(error)
        }
        Err(error) => {
            let refusal = store::RejectionError::from_error(&error);
            n.db.system(tenant, move |tx| store::record_refusal(tx, (tenant, id), &refusal, now)).await?;
            Err(error)
        }
    }
}

fn corrected_event(rejected: RejectedEvent, payload: Option<Map<String, Value>>) -> Result<AnnouncedEvent> {
    let (mut body, id) = (rejected.body, rejected.id);
    if let (Some(payload), Some(fields)) = (payload, body.as_object_mut()) {
        fields.insert("payload".to_owned(), payload.into());
    }
    let source = if rejected.source == EventSource::Stream.into_str() {
        EventSource::Stream
    } else {
        EventSource::Channel
    };
    let mut announced_event = intake::parse_event(&body, source)?;
    // Concurrent retries, or a retry after a lost response, must not create two events.
    if announced_event.idempotency_key.is_none() {
        announced_event.idempotency_key = Some(format!("rejected:{id}"));
    }
    Ok(announced_event)
}
