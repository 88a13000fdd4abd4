//! Announces `client.inactive` for clients whose members were not seen for days, once per period of inactivity.
//!
//! A period begins when a member was last seen, or with the creation of the client, and ends when one is seen again.
//! Its row and its event are written in one transaction.

use std::time::Duration;

use guichet_base::id::{ClientId, TenantId};
use guichet_base::{ErrorKind, Result, Timestamp};
use serde_json::{Value, json};

use super::store::inactivity::{self as store, InactiveClient};
use super::store::tenants;
use crate::config::Feature;
use crate::notifications::model::{AnnouncedEvent, EventSource};
use crate::notifications::{Notifications, events};

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// Maximum number of tenants, or of clients, per query.
const MAX_ROWS_PER_QUERY: i64 = 200;
const EVENT: &str = "client.inactive";

/// Announces the event for every newly inactive client, and returns their number. `days` applies unless the tenant's
/// settings have `defaults.notifications.client_inactive_days`.
pub async fn announce_inactive_clients(n: &Notifications, days: u32, now: Timestamp) -> Result<u64> {
    let (mut raised, mut after) = (0, None);
    loop {
        let found = n.db.worker(move |tx| tenants(tx, after, MAX_ROWS_PER_QUERY)).await?;
        let Some(last) = found.last().copied() else { return Ok(raised) };
        for tenant in found {
            raised += announce_in_tenant(n, tenant, days, now).await?;
        }
        after = Some(last);
    }
}

async fn announce_in_tenant(n: &Notifications, tenant: TenantId, days: u32, now: Timestamp) -> Result<u64> {
    let settings = n.db.system(tenant, move |tx| store::tenant_settings(tx, tenant)).await?;
    if !n.directory.features_from_settings(&settings).is_on(Feature::Notifications) {
        return Ok(0);
    }
    let days = configured_days(&settings).unwrap_or(days);
    let inactive_since = now.minus(DAY.saturating_mul(days));
    let (mut raised, mut after): (u64, Option<ClientId>) = (0, None);
    loop {
        let found =
            n.db.system(tenant, move |tx| {
                store::inactive_clients(tx, tenant, after, inactive_since, MAX_ROWS_PER_QUERY)
            })
            .await?;
        let Some(last) = found.last() else { return Ok(raised) };
        after = Some(last.id);
        for client in found {
            raised += u64::from(announce_for_client(n, tenant, client, now).await?);
        }
    }
}

/// The number of days in the tenant's settings, if valid.
fn configured_days(settings: &Value) -> Option<u32> {
    let days = settings.pointer("/defaults/notifications/client_inactive_days")?.as_u64()?;
    u32::try_from(days).ok().filter(|days| (1..=3_650).contains(days))
}

async fn announce_for_client(
    n: &Notifications,
    tenant: TenantId,
    client: InactiveClient,
    now: Timestamp,
) -> Result<bool> {
    let (task, id) = (n.clone(), client.id);
    let result =
        n.db.system(tenant, move |tx| {
            if !store::record_inactivity(tx, tenant, &client, now)? {
                return Ok(false);
            }
            events::announce(tx, &task, tenant, &inactivity_event(&client, now)).map(|_| true)
        })
        .await;
    match result {
        // A tenant with a broken template must not stop the others.
        Err(error) if error.kind() != ErrorKind::Unavailable => {
            tracing::warn!(%error, tenant.id = %tenant, client.id = %id, "failed to notify operators of an inactive client");
            Ok(false)
        }
        result => result,
    }
}

fn inactivity_event(client: &InactiveClient, now: Timestamp) -> AnnouncedEvent {
    let inactive_ms = now.as_millis().saturating_sub(client.since.as_millis());
    let days = inactive_ms / i64::try_from(DAY.as_millis()).unwrap_or(i64::MAX);
    AnnouncedEvent {
        event: EVENT.to_owned(),
        payload: events::payload([
            ("client_id", json!(client.id)),
            ("client", json!(client.name)),
            ("days", json!(days)),
        ]),
        recipients: None,
        actor: None,
        occurred_at: None,
        idempotency_key: None,
        source: EventSource::Internal,
        expires_at: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_s_patience_is_a_sensible_number_of_days_or_nothing() {
        let says = |days: Value| {
            configured_days(&json!({"defaults": {"notifications": {"client_inactive_days": days}}}))
        };
        assert_eq!(says(json!(3)), Some(3));
        for wrong in [json!(0), json!(-1), json!("3"), json!(3.5), json!(null), json!(1_000_000)] {
            assert_eq!(says(wrong.clone()), None, "{wrong}");
        }
        assert_eq!(configured_days(&json!({})), None);
    }
}
