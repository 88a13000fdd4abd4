//! Whose tokens are believed, and where their claims sit.

use std::path::Path;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::reader::section;
use super::setting::{MASK, Setting};
use super::values::{JsonPointer, RoleMap};
use crate::config::generated_secret::secret_made_once;

/// HS256 asks for a key as long as its hash (RFC 7518, 3.2).
const SECRET_MIN_BYTES: usize = 32;

section! {
    /// Tokens and people
    pub struct TokensConfig {
        /// Key of HS256 tokens, at least 32 bytes. Not set, and no JWT_JWKS_URL either: made once, in
        /// DATA_DIR/jwt_secret.
        pub(super) secret: Option<JwtSecret> = "JWT_SECRET", "";
        /// Public keys of the identity provider, for RS256, ES256 and EdDSA tokens.
        /// Example: https://id.example.com/.well-known/jwks.json
        pub jwks_url: Option<Url> = "JWT_JWKS_URL", "";
        /// The only issuer (iss) believed. Not set: any.
        pub issuer: Option<String> = "JWT_ISSUER", "";
        /// The audience (aud) that tokens must name. Not set: any.
        pub audience: Option<String> = "JWT_AUDIENCE", "";
        /// Where tokens name the tenant, by id or slug: a JSON pointer. Supabase: /app_metadata/tenant_id
        pub tenant_claim: JsonPointer = "JWT_TENANT_CLAIM", "/tenant_id";
        /// Where tokens name the role: a JSON pointer.
        pub role_claim: JsonPointer = "JWT_ROLE_CLAIM", "/role";
        /// Where tokens list the client accounts of a member: a JSON pointer.
        pub clients_claim: JsonPointer = "JWT_CLIENTS_CLAIM", "/client_ids";
        /// Where service tokens list their scopes: a JSON pointer.
        pub scopes_claim: JsonPointer = "JWT_SCOPES_CLAIM", "/scopes";
        /// The identity provider's own words for roles, as word:role with commas between.
        /// Example: PDG:owner,DG:manager,Employé:employee
        pub role_map: RoleMap = "JWT_ROLE_MAP", "";
        /// Whether the first valid token of an unknown person makes that person, true or false. Not set:
        /// true with the embedded PostgreSQL, else false.
        pub(super) jit_users: Option<bool> = "JIT_USERS", "";
    }
}

impl TokensConfig {
    /// The key of HS256 tokens: as given, or made once under `data_dir` where nothing else says whom to
    /// believe. None: only the identity provider's keys count. Errors: the file cannot be read or made.
    pub fn hs256_secret(&self, data_dir: &Path) -> anyhow::Result<Option<SecretString>> {
        match (&self.secret, &self.jwks_url) {
            (Some(JwtSecret(secret)), _) => Ok(Some(secret.clone())),
            (None, Some(_)) => Ok(None),
            (None, None) => secret_made_once(data_dir).map(Some),
        }
    }

    pub(super) fn makes_its_secret(&self) -> bool {
        self.secret.is_none() && self.jwks_url.is_none()
    }
}

#[derive(Debug, Clone)]
pub(super) struct JwtSecret(SecretString);

impl Setting for JwtSecret {
    fn parse(text: &str) -> Result<Self, String> {
        let secret = SecretString::from(text);
        if secret.expose_secret().len() < SECRET_MIN_BYTES {
            return Err(format!(
                "must have at least {SECRET_MIN_BYTES} bytes (openssl rand -base64 32 makes one)"
            ));
        }
        Ok(JwtSecret(secret))
    }

    fn shown(_: &str) -> String {
        MASK.to_owned()
    }
}
