//! Raises `client.inactive` for clients whose members were not seen for days, once per period of inactivity.
//!
//! A period begins when a member was last seen, or with the creation of the client, and ends when one is seen again.
//! Its row and its event are written in one transaction.

use std::time::Duration;

use guichet_base::id::{ClientId, TenantId};
use guichet_base::{ErrorKind, Result, Timestamp};
use serde_json::{Value, json};

use super::store::inactivity::{self as store, Silent};
use super::store::tenants;
use crate::config::Feature;
use crate::notifications::model::{Announced, EventSource};
use crate::notifications::{Notifications, events};

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// Tenants, and clients, read in one query.
const AT_ONCE: i64 = 200;
const EVENT: &str = "client.inactive";

/// Raises the event for every newly inactive client, and returns their number. `days` applies unless the tenant's
/// settings have `defaults.notifications.client_inactive_days`.
pub async fn raise(n: &Notifications, days: u32, now: Timestamp) -> Result<u64> {
    let (mut raised, mut after) = (0, None);
    loop {
        let found = n.db.worker(move |tx| tenants(tx, after, AT_ONCE)).await?;
        let Some(last) = found.last().copied() else { return Ok(raised) };
        for tenant in found {
            raised += in_tenant(n, tenant, days, now).await?;
        }
        after = Some(last);
    }
}

async fn in_tenant(n: &Notifications, tenant: TenantId, days: u32, now: Timestamp) -> Result<u64> {
    let settings = n.db.system(tenant, move |tx| store::settings(tx, tenant)).await?;
    if !n.directory.features_from_settings(&settings).is_on(Feature::Notifications) {
        return Ok(0);
    }
    let days = days_of(&settings).unwrap_or(days);
    let until = now.minus(DAY.saturating_mul(days));
    let (mut raised, mut after): (u64, Option<ClientId>) = (0, None);
    loop {
        let found = n.db.system(tenant, move |tx| store::silent(tx, tenant, after, until, AT_ONCE)).await?;
        let Some(last) = found.last() else { return Ok(raised) };
        after = Some(last.id);
        for client in found {
            raised += u64::from(of_client(n, tenant, client, now).await?);
        }
    }
}

/// The tenant's own number of days.
fn days_of(settings: &Value) -> Option<u32> {
    let days = settings.pointer("/defaults/notifications/client_inactive_days")?.as_u64()?;
    u32::try_from(days).ok().filter(|days| (1..=3_650).contains(days))
}

async fn of_client(n: &Notifications, tenant: TenantId, client: Silent, now: Timestamp) -> Result<bool> {
    let (task, id) = (n.clone(), client.id);
    let told =
        n.db.system(tenant, move |tx| {
            if !store::raise(tx, tenant, &client, now)? {
                return Ok(false);
            }
            events::announce(tx, &task, tenant, &announced(&client, now)).map(|_| true)
        })
        .await;
    match told {
        // A tenant with a broken template must not stop the others.
        Err(error) if error.kind() != ErrorKind::Unavailable => {
            tracing::warn!(%error, tenant.id = %tenant, client.id = %id, "the operators could not be notified of an inactive client");
            Ok(false)
        }
        told => told,
    }
}

fn announced(client: &Silent, now: Timestamp) -> Announced {
    let silent_ms = now.as_millis().saturating_sub(client.since.as_millis());
    let days = silent_ms / i64::try_from(DAY.as_millis()).unwrap_or(i64::MAX);
    Announced {
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
        let says =
            |days: Value| days_of(&json!({"defaults": {"notifications": {"client_inactive_days": days}}}));
        assert_eq!(says(json!(3)), Some(3));
        for wrong in [json!(0), json!(-1), json!("3"), json!(3.5), json!(null), json!(1_000_000)] {
            assert_eq!(says(wrong.clone()), None, "{wrong}");
        }
        assert_eq!(days_of(&json!({})), None);
    }
}
