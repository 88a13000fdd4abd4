//! Verification of tokens: from a JWT to its verified claims.
//!
//! - The key decides the algorithm (RFC 8725, 3.1): the secret verifies HS256 and nothing else, a published key the
//!   one algorithm of its type. `none` is refused, and so is every other algorithm that a header names.
//! - `exp` is required, `nbf` honoured, `iss` and `aud` checked if configured. Time comes from `guichet_base::Clock`.
//! - The reason for a refusal goes to the log; the client gets `UNAUTHENTICATED`.
//! - A verified token is cached by its hash until it expires, so that later requests skip the signature check.

mod claims;
mod jwks;
mod mint;

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use claims::Claims;
use guichet_base::{Clock, Error, Result};
pub use mint::{NewToken, mint};

use crate::config;
use crate::directory::Cache;
use jwks::Jwks;

/// Longer tokens are refused before they are decoded.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// Accepted difference between the clocks of guichet and of the issuer.
pub const LEEWAY: Duration = Duration::from_secs(30);
/// Size of the cache of verified tokens: some 50 MB at most.
const CACHED_TOKENS: usize = 50_000;

/// Verifies tokens. Clones share keys and cache.
#[derive(Clone)]
pub struct TokenVerifier {
    inner: Arc<Inner>,
}

struct Inner {
    config: config::TokensConfig,
    secret: Option<DecodingKey>,
    jwks: Option<Jwks>,
    verified: Cache<[u8; 32], Arc<Claims>>,
    clock: Clock,
}

/// Verified claims, and whether this process verified the token just now or found it in its cache.
#[derive(Debug, Clone)]
pub struct VerifiedToken {
    pub claims: Arc<Claims>,
    pub is_new: bool,
}

impl TokenVerifier {
    /// `secret` is the HS256 key from `config::TokensConfig::hs256_secret`. Errors: `JWT_JWKS_URL` is neither https
    /// nor on this machine.
    pub fn new(
        config: &config::TokensConfig,
        secret: Option<&SecretString>,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let jwks = config.jwks_url.clone().map(|url| Jwks::new(url, clock.clone())).transpose()?;
        let secret = secret.map(|secret| DecodingKey::from_secret(secret.expose_secret().as_bytes()));
        let verified = Cache::new(CACHED_TOKENS);
        Ok(Self { inner: Arc::new(Inner { config: config.clone(), secret, jwks, verified, clock }) })
    }

    /// Errors: `UNAUTHENTICATED`; `UNAVAILABLE` while no key of the identity provider could be fetched.
    pub async fn verify(&self, token: &str) -> Result<VerifiedToken> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(refused("the token is too long"));
        }
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let now = self.inner.clock.now();
        if let Some(claims) = self.inner.verified.get(&hash, now) {
            return Ok(VerifiedToken { claims, is_new: false });
        }
        let body = self.decode(token).await?;
        let claims = Arc::new(claims::parse_claims(&body, &self.inner.config, now)?);
        self.inner.verified.put(hash, Arc::clone(&claims), claims.ends_at(), now);
        Ok(VerifiedToken { claims, is_new: true })
    }

    async fn decode(&self, token: &str) -> Result<Value> {
        let header = jsonwebtoken::decode_header(token).map_err(refused)?;
        // `crit` names an extension that must be understood; guichet understands none.
        if header.crit.is_some() || !header.typ.as_deref().is_none_or(is_session_type) {
            return Err(refused("the token is of another type"));
        }
        let key = match (header.alg, &self.inner.secret, &self.inner.jwks) {
            (Algorithm::HS256, Some(secret), _) => secret.clone(),
            (alg @ (Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA), _, Some(jwks)) => {
                jwks.key(header.kid.as_deref(), alg).await?
            }
            _ => return Err(refused("no key is for the token's algorithm")),
        };
        jsonwebtoken::decode::<Value>(token, &key, &signature_only(header.alg))
            .map(|data| data.claims)
            .map_err(refused)
    }
}

/// `JWT`, or an access token of RFC 9068. Tokens of other types are meant for other uses.
fn is_session_type(typ: &str) -> bool {
    let typ = typ.to_ascii_lowercase();
    matches!(typ.strip_prefix("application/").unwrap_or(&typ), "jwt" | "at+jwt")
}

/// The library checks only the signature. `claims` checks the rest, by a clock that tests can move.
fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}

fn refused(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::unauthenticated().with_source(why)
}
