//! The demo tenant: the same people with the same ids every time, and tokens for them that are valid for a day.

mod quick_start;
mod store;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use guichet_base::id::{ClientId, TenantId, UserId};
use guichet_base::{Actor, Clock, Locale, Role, Timestamp};
use guichet_db::Db;
use secrecy::SecretString;
use serde::Serialize;
use uuid::Uuid;

use crate::auth::token::{NewToken, mint};
use crate::config;

const SLUG: &str = "demo";
/// Namespace of the UUIDv5 ids of the demo, which are derived from names.
const NAMESPACE: Uuid = Uuid::from_u128(0x6775_6963_6865_7400_8000_6465_6d6f_0001);
const DEMO_TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// The people of the demo tenant: name, role, display name, locale.
const PEOPLE: [(&str, Role, &str, Locale); 6] = [
    ("awa", Role::Owner, "Awa Diallo", Locale::Fr),
    ("denis", Role::Manager, "Denis Moreau", Locale::Fr),
    ("emma", Role::Employee, "Emma Laurent", Locale::Fr),
    ("karim", Role::Employee, "Karim Benali", Locale::En),
    ("chloe", Role::Client, "Chloé Martin", Locale::Fr),
    ("bruno", Role::Client, "Bruno Petit", Locale::En),
];

/// Clients: name, display name, operator in charge, member.
const CLIENTS: [(&str, &str, &str, &str); 2] = [
    ("atelier_nord", "Atelier Nord", "emma", "chloe"),
    ("boulangerie_sud", "Boulangerie Sud", "karim", "bruno"),
];

/// The output of `guichet seed --json`.
#[derive(Debug, Serialize)]
pub struct DemoTenant {
    pub tenant_id: TenantId,
    pub tenant_slug: &'static str,
    pub service_token: String,
    pub users: BTreeMap<&'static str, DemoUser>,
    pub clients: BTreeMap<&'static str, DemoClient>,
}

#[derive(Debug, Serialize)]
pub struct DemoUser {
    pub id: UserId,
    pub role: Role,
    pub email: String,
    pub token: String,
}

#[derive(Debug, Serialize)]
pub struct DemoClient {
    pub id: ClientId,
    pub operator: &'static str,
    pub members: [&'static str; 1],
}

fn demo_id(word: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, word.as_bytes())
}

fn demo_email(name: &str) -> String {
    format!("{name}@demo.example")
}

/// Creates the tenant, or restores it; messages stay. Idempotent.
pub async fn create_or_restore(
    db: &Db,
    tokens: &config::TokensConfig,
    data_dir: &Path,
    clock: &Clock,
) -> anyhow::Result<DemoTenant> {
    let tenant = TenantId(demo_id("tenant"));
    let as_role = |role| Actor {
        tenant,
        user: UserId(demo_id("seed")),
        role,
        scopes: [].into(),
        locale: Locale::Fr,
        ip: None,
        authenticated_at: None,
    };
    db.write(&as_role(Role::Platform), move |tx| store::ensure_tenant(tx.conn(), tenant)).await?;
    db.write(&as_role(Role::Service), move |tx| store::upsert_people_and_clients(tx.conn(), tenant)).await?;
    let secret = tokens
        .hs256_secret(data_dir)?
        .context("demo tokens need JWT_SECRET: with JWT_JWKS_URL alone, this process cannot sign tokens")?;
    build_demo(tenant, tokens, &secret, clock.now()).context("the demo tokens could not be made")
}

fn build_demo(
    tenant: TenantId,
    config: &config::TokensConfig,
    secret: &SecretString,
    now: Timestamp,
) -> anyhow::Result<DemoTenant> {
    let token = |subject: String, role, name: Option<&str>, scopes: Vec<String>| {
        let new = NewToken {
            subject,
            tenant: tenant.to_string(),
            role,
            clients: Vec::new(),
            scopes,
            name: name.map(str::to_owned),
            email: None,
            locale: None,
            issued_at: now,
            expires_at: now.plus(DEMO_TOKEN_LIFETIME),
        };
        mint(config, secret, &new)
    };
    let mut users = BTreeMap::new();
    for (word, role, name, _) in PEOPLE {
        let user = UserId(demo_id(word));
        let token = token(user.to_string(), role, Some(name), Vec::new())?;
        users.insert(word, DemoUser { id: user, role, email: demo_email(word), token });
    }
    let clients = CLIENTS.into_iter().map(|(word, _, operator, member)| {
        (word, DemoClient { id: ClientId(demo_id(word)), operator, members: [member] })
    });
    Ok(DemoTenant {
        tenant_id: tenant,
        tenant_slug: SLUG,
        service_token: token("demo-service".to_owned(), Role::Service, None, vec!["*".to_owned()])?,
        users,
        clients: clients.collect(),
    })
}
