//! Mints tokens for development, operation and tests. The service itself never needs one.

use guichet_base::id::ClientId;
use guichet_base::{Error, Locale, Result, Role, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use crate::config;

/// The claims of a token to mint.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// `sub`: the id of a person, or any name.
    pub subject: String,
    /// UUID or slug; `*` for a service token of all tenants.
    pub tenant: String,
    pub role: Role,
    pub clients: Vec<ClientId>,
    /// Scopes of a service token.
    pub scopes: Vec<String>,
    pub name: Option<String>,
    pub email: Option<String>,
    pub locale: Option<Locale>,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
}

/// Mints an HS256 token whose claims stand where `config` expects them, with the configured issuer and audience.
pub fn mint(config: &config::TokensConfig, secret: &SecretString, new: &NewToken) -> Result<String> {
    let mut body = json!({
        "sub": new.subject,
        "iat": new.issued_at.as_millis() / 1000,
        "exp": new.expires_at.as_millis() / 1000,
    });
    let optional = [
        ("/iss", config.issuer.clone()),
        ("/aud", config.audience.clone()),
        ("/name", new.name.clone()),
        ("/email", new.email.clone()),
        ("/locale", new.locale.map(|locale| locale.into_str().to_owned())),
    ];
    for (pointer, value) in optional {
        if let Some(value) = value {
            insert_at(&mut body, pointer, value.into());
        }
    }
    insert_at(&mut body, config.tenant_claim.as_str(), new.tenant.clone().into());
    insert_at(&mut body, config.role_claim.as_str(), new.role.into_str().into());
    if !new.clients.is_empty() {
        insert_at(&mut body, config.clients_claim.as_str(), json!(new.clients));
    }
    if !new.scopes.is_empty() {
        insert_at(&mut body, config.scopes_claim.as_str(), json!(new.scopes));
    }
    let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &body, &key).map_err(Error::internal)
}

/// Writes `value` at a JSON pointer, creating the objects on the way.
fn insert_at(body: &mut Value, pointer: &str, value: Value) {
    let mut place = body;
    for step in pointer.split('/').skip(1) {
        let key = step.replace("~1", "/").replace("~0", "~");
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(object) = place else { return };
        place = object.entry(key).or_insert(Value::Null);
    }
    *place = value;
}
