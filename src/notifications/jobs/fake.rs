//! Sample notifications for app developers: one of each category to one person.

use std::collections::BTreeSet;

use guichet_base::Result;
use guichet_base::id::TenantId;
use serde_json::json;

use super::store::fake::{self as store, SampleRecipient};
use super::store::tenants;
use crate::notifications::model::{AnnouncedEvent, EventSource, Recipients};
use crate::notifications::templates::{self, Template};
use crate::notifications::{Notifications, events};

const TENANTS_PER_QUERY: i64 = 200;

/// Sends the samples to everyone with this address, in any tenant. Returns the number of notifications.
pub async fn send(n: &Notifications, email: &str) -> Result<u64> {
    let (mut sent, mut after) = (0, None);
    loop {
        let found = n.db.worker(move |tx| tenants(tx, after, TENANTS_PER_QUERY)).await?;
        let Some(last) = found.last().copied() else { return Ok(sent) };
        for tenant in found {
            let address = email.to_owned();
            let person = n.db.system(tenant, move |tx| store::find_recipient(tx, tenant, &address)).await?;
            if let Some(person) = person {
                sent += send_to_person(n, tenant, person).await?;
            }
        }
        after = Some(last);
    }
}

async fn send_to_person(n: &Notifications, tenant: TenantId, person: SampleRecipient) -> Result<u64> {
    let (mut sent, mut categories) = (0, BTreeSet::new());
    for template in templates::all_built_in() {
        let Some(sample) = sample_event(template, person) else { continue };
        if categories.insert(template.category) {
            sent += events::accept_as_system(n, tenant, sample).await?.progress.written;
        }
    }
    Ok(u64::try_from(sent).unwrap_or(0))
}

/// Builds a sample event. `None` for a template about a client if the person is related to no client.
fn sample_event(template: &Template, person: SampleRecipient) -> Option<AnnouncedEvent> {
    let mut payload = template.sample_payload();
    if payload.remove("client_id").is_some() {
        payload.insert("client_id".to_owned(), json!(person.client?));
    }
    payload.remove("team_id");
    if payload.contains_key("user_id")
        || template.variables.iter().any(|variable| variable.or.as_deref() == Some("team_id"))
    {
        payload.insert("user_id".to_owned(), json!(person.id));
    }
    Some(AnnouncedEvent {
        event: template.code.clone(),
        payload,
        recipients: Some(Recipients { users: vec![person.id], ..Recipients::default() }),
        actor: None,
        occurred_at: None,
        idempotency_key: None,
        source: EventSource::Internal,
        expires_at: None,
    })
}
