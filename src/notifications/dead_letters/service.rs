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
use crate::notifications::model::{Announced, EventSource};
use crate::notifications::{Notifications, intake, policy};

/// Stores a rejected event. Returns false if a copy is stored already.
pub async fn keep(n: &Notifications, tenant: TenantId, rejection: &Rejection<'_>) -> Result<bool> {
    let (id, now) = (rejection.id(tenant), n.clock.now());
    let row = store::NewDeadLetter::of(id, rejection);
    n.db.system(tenant, move |tx| store::insert(tx, tenant, &row, now)).await
}

/// The rejected events, newest first. Errors: `FORBIDDEN`, `FEATURE_DISABLED`.
pub async fn list(n: &Notifications, actor: &Actor, page: Page) -> Result<Vec<RejectedEvent>> {
    policy::may_follow_events(actor)?;
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
    policy::may_follow_events(actor)?;
    n.directory.require(actor, Feature::Notifications).await?;
    let tenant = actor.tenant;
    let found = n.db.read(actor, move |tx| store::find(tx, tenant, id)).await?;
    let rejected = found.ok_or_else(|| Error::not_found("rejected event"))?;
    if let Some(event) = rejected.event_id {
        return Ok(Accepted { progress: events::progress(n, actor, event).await?, replayed: true });
    }
    let now = n.clock.now();
    let tried = match announced(rejected, payload) {
        Ok(what) => events::accept_as_system(n, tenant, what).await,
        Err(error) => Err(error),
    };
    match tried {
        Ok(accepted) => {
            let event = accepted.progress.id;
            n.db.system(tenant, move |tx| store::accepted(tx, (tenant, id), event, now)).await?;
            Ok(accepted)
        }
        // The failure has another cause than the event.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::Unavailable | ErrorKind::Internal | ErrorKind::RateLimited | ErrorKind::Timeout
            ) =>
        {
            Err(error)
        }
        Err(error) => {
            let said = store::DeadLetterBody::of(&error);
            n.db.system(tenant, move |tx| store::refused(tx, (tenant, id), &said, now)).await?;
            Err(error)
        }
    }
}

fn announced(rejected: RejectedEvent, payload: Option<Map<String, Value>>) -> Result<Announced> {
    let (mut body, id) = (rejected.body, rejected.id);
    if let (Some(payload), Some(fields)) = (payload, body.as_object_mut()) {
        fields.insert("payload".to_owned(), payload.into());
    }
    let source = if rejected.source == EventSource::Stream.into_str() {
        EventSource::Stream
    } else {
        EventSource::Channel
    };
    let mut what = intake::announced(&body, source)?;
    // Two retries at once, or one with a lost response, must not create two events.
    if what.idempotency_key.is_none() {
        what.idempotency_key = Some(format!("rejected:{id}"));
    }
    Ok(what)
}
