//! Which tokens are trusted, and where their claims are.

use std::path::Path;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::config_value::{ConfigValue, MASK};
use super::reader::section;
use super::values::{JsonPointer, RoleMap};
use crate::config::generated_secret::load_or_create_secret;

/// HS256 requires a key as long as its hash (RFC 7518, 3.2).
const SECRET_MIN_BYTES: usize = 32;

section! {
    /// Tokens and people
    pub struct TokensConfig {
        /// Key of HS256 tokens, at least 32 bytes. If neither it nor JWT_JWKS_URL is set: generated once, in
        /// DATA_DIR/jwt_secret.
        pub(super) secret: Option<JwtSecret> = "JWT_SECRET", "";
        /// Public keys of the identity provider, for RS256, ES256 and EdDSA tokens.
        /// Example: https://id.example.com/.well-known/jwks.json
        pub jwks_url: Option<Url> = "JWT_JWKS_URL", "";
        /// The only accepted issuer (iss). Not set: any.
        pub issuer: Option<String> = "JWT_ISSUER", "";
        /// The audience (aud) that tokens must name. Not set: any.
        pub audience: Option<String> = "JWT_AUDIENCE", "";
        /// JSON pointer to the tenant, by id or slug. Supabase: /app_metadata/tenant_id
        pub tenant_claim: JsonPointer = "JWT_TENANT_CLAIM", "/tenant_id";
        /// JSON pointer to the role.
        pub role_claim: JsonPointer = "JWT_ROLE_CLAIM", "/role";
        /// JSON pointer to the list of a member's client accounts.
        pub clients_claim: JsonPointer = "JWT_CLIENTS_CLAIM", "/client_ids";
        /// JSON pointer to the scopes of a service token.
        pub scopes_claim: JsonPointer = "JWT_SCOPES_CLAIM", "/scopes";
        /// The identity provider's names for roles, as name:role, comma-separated. Example:
        /// PDG:owner,DG:manager,Employé:employee
        pub role_map: RoleMap = "JWT_ROLE_MAP", "";
        /// Whether the first valid token of an unknown person creates that person, true or false. Not set: true with
        /// the embedded PostgreSQL, else false.
        pub(super) jit_users: Option<bool> = "JIT_USERS", "";
    }
}

impl TokensConfig {
    /// The key of HS256 tokens: as configured, or generated under `data_dir` if no other key is configured. `None`:
    /// only keys of the identity provider are accepted. Errors: the file cannot be read or created.
    pub fn hs256_secret(&self, data_dir: &Path) -> anyhow::Result<Option<SecretString>> {
        match (&self.secret, &self.jwks_url) {
            (Some(JwtSecret(secret)), _) => Ok(Some(secret.clone())),
            (None, Some(_)) => Ok(None),
            (None, None) => load_or_create_secret(data_dir).map(Some),
        }
    }

    pub(super) fn generates_secret(&self) -> bool {
        self.secret.is_none() && self.jwks_url.is_none()
    }
}

#[derive(Debug, Clone)]
pub(super) struct JwtSecret(SecretString);

impl ConfigValue for JwtSecret {
    fn parse(text: &str) -> Result<Self, String> {
        let secret = SecretString::from(text);
        if secret.expose_secret().len() < SECRET_MIN_BYTES {
            return Err(format!(
                "must have at least {SECRET_MIN_BYTES} bytes (openssl rand -base64 32 creates one)"
            ));
        }
        Ok(JwtSecret(secret))
    }

    fn display_text(_: &str) -> String {
        MASK.to_owned()
    }
}
