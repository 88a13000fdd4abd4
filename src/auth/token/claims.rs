//! The claims of a token, read from the places that the configuration names.

use std::sync::Arc;

use guichet_base::id::{ClientId, UserId};
use guichet_base::{Locale, Result, Role, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use super::{LEEWAY, refused};
use crate::config;
use crate::directory::TenantName;

/// A later time is not a date but milliseconds in place of seconds: this is the end of the year 9999.
const MAX_NUMERIC_DATE: f64 = 253_402_300_000.0;
/// Length of `users.external_id`.
const MAX_SUBJECT_CHARS: usize = 400;
/// Longest list of clients that a token may name.
const MAX_CLIENTS: usize = 500;

/// The verified claims of one token.
#[derive(Debug, Clone)]
pub struct Claims {
    /// `sub` if it is a UUID, else the UUIDv5 of (`iss`, `sub`). The id of a service token is always derived, in a
    /// namespace apart from people, so that it can never equal a person's id.
    pub user: UserId,
    /// `sub` if it is not a UUID.
    pub external_id: Option<String>,
    pub tenant: TenantName,
    /// A person's role, or `Service`.
    pub role: Role,
    pub clients: Vec<ClientId>,
    /// Scopes of a service token; empty for people.
    pub scopes: Arc<[String]>,
    pub name: Option<String>,
    pub email: Option<String>,
    pub locale: Option<Locale>,
    pub issued_at: Option<Timestamp>,
    pub expires_at: Timestamp,
}

impl Claims {
    /// When the token stops being accepted.
    pub fn ends_at(&self) -> Timestamp {
        self.expires_at.plus(LEEWAY)
    }
}

/// Reads the claims of a token whose signature was verified. Errors: `UNAUTHENTICATED` if it was not issued for
/// guichet, or is not valid now.
pub(super) fn parse_claims(body: &Value, config: &config::TokensConfig, now: Timestamp) -> Result<Claims> {
    let expires_at = numeric_date(body, "exp")?.ok_or_else(|| refused("exp is missing"))?;
    if now >= expires_at.plus(LEEWAY) {
        return Err(refused("the token has expired"));
    }
    if numeric_date(body, "nbf")?.is_some_and(|nbf| now.plus(LEEWAY) < nbf) {
        return Err(refused("the token is not valid yet"));
    }
    let issuer = body.get("iss").and_then(Value::as_str);
    if config.issuer.is_some() && issuer != config.issuer.as_deref() {
        return Err(refused("another issuer"));
    }
    if config.audience.as_deref().is_some_and(|audience| !has_audience(body.get("aud"), audience)) {
        return Err(refused("another audience"));
    }
    let role = string_at(body, config.role_claim.as_str())
        .and_then(|word| config.role_map.resolve(word))
        .ok_or_else(|| refused("no role"))?;
    let (user, external_id) = subject_id(body, issuer.unwrap_or_default(), role)?;
    Ok(Claims {
        user,
        external_id,
        tenant: tenant_name(body, config, role)?,
        role,
        clients: client_ids(body.pointer(config.clients_claim.as_str())),
        scopes: match role {
            Role::Service => word_list(body.pointer(config.scopes_claim.as_str())).into(),
            Role::Owner | Role::Manager | Role::Employee | Role::Client | Role::Platform => Arc::default(),
        },
        name: body.get("name").and_then(Value::as_str).and_then(|name| trimmed_field(name, 200)),
        email: body.get("email").and_then(Value::as_str).and_then(|email| trimmed_field(email, 320)),
        locale: body.get("locale").and_then(Value::as_str).and_then(Locale::parse),
        issued_at: numeric_date(body, "iat")?,
        expires_at,
    })
}

/// A NumericDate: seconds, possibly with a fraction. Errors: the claim is present but not a NumericDate.
fn numeric_date(body: &Value, name: &str) -> Result<Option<Timestamp>> {
    let Some(value) = body.get(name) else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| (0.0..=MAX_NUMERIC_DATE).contains(seconds));
    let seconds = seconds.ok_or_else(|| refused(format!("{name} is no date")))?;
    #[expect(clippy::cast_possible_truncation, reason = "within the range that was just checked")]
    Ok(Some(Timestamp::from_millis((seconds * 1000.0) as i64)))
}

fn string_at<'a>(body: &'a Value, pointer: &str) -> Option<&'a str> {
    body.pointer(pointer)?.as_str().filter(|text| !text.is_empty())
}

/// Whether an `aud` claim, one value or a list, contains `audience`.
fn has_audience(claim: Option<&Value>, audience: &str) -> bool {
    match claim {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(many)) => many.iter().any(|one| one.as_str() == Some(audience)),
        _ => false,
    }
}

fn subject_id(body: &Value, issuer: &str, role: Role) -> Result<(UserId, Option<String>)> {
    let subject = body.get("sub").and_then(Value::as_str).unwrap_or_default();
    if subject.contains('\0') || subject.chars().count() > MAX_SUBJECT_CHARS {
        return Err(refused("sub is too long"));
    }
    if role == Role::Service {
        return Ok((derived_user_id("service", &format!("{issuer} {subject}")), None));
    }
    if let Ok(user) = subject.parse::<UserId>() {
        return Ok((user, None));
    }
    if subject.is_empty() {
        return Err(refused("sub is missing"));
    }
    Ok((derived_user_id(issuer, subject), Some(subject.to_owned())))
}

/// The UUIDv5 of `name` in the namespace that `space` names.
fn derived_user_id(space: &str, name: &str) -> UserId {
    UserId(Uuid::new_v5(&Uuid::new_v5(&Uuid::NAMESPACE_URL, space.as_bytes()), name.as_bytes()))
}

fn tenant_name(body: &Value, config: &config::TokensConfig, role: Role) -> Result<TenantName> {
    match string_at(body, config.tenant_claim.as_str()) {
        None => Err(refused("no tenant")),
        Some("*") if role == Role::Service => Ok(TenantName::Any),
        Some("*") => Err(refused("only services are of all tenants")),
        Some(word) if word.len() > 63 || word.contains('\0') => Err(refused("no tenant has such a name")),
        Some(word) => Ok(TenantName::parse(word)),
    }
}

fn client_ids(claim: Option<&Value>) -> Vec<ClientId> {
    let ids = claim.and_then(Value::as_array).into_iter().flatten();
    ids.filter_map(|id| id.as_str()?.parse().ok()).take(MAX_CLIENTS).collect()
}

/// A list of words, or one string separated by spaces (RFC 8693, `scope`).
fn word_list(claim: Option<&Value>) -> Vec<String> {
    match claim {
        Some(Value::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
        Some(Value::Array(list)) => list.iter().filter_map(|word| Some(word.as_str()?.to_owned())).collect(),
        _ => Vec::new(),
    }
}

/// Trimmed, and `None` if it does not fit its column: a bad profile field is no reason to refuse a login.
fn trimmed_field(text: &str, max_chars: usize) -> Option<String> {
    let text = text.trim();
    let fits = !text.is_empty() && !text.contains('\0') && text.chars().count() <= max_chars;
    fits.then(|| text.to_owned())
}
