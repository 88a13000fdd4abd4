//! Tokens: from the text of a JWT to what it verifiably says.
//!
//! - The key decides the algorithm (RFC 8725, 3.1): the secret verifies HS256 and nothing else, a published key
//!   the one algorithm of its type. `none`, and whatever a header names beside, are refused.
//! - `exp` is required, `nbf` honoured, `iss` and `aud` checked where configured; time is `base::Clock`'s.
//! - Why a token is refused is for the log; its bearer is told `UNAUTHENTICATED`.
//! - A verified token is remembered by its hash until it expires: a request pays no second signature check.

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

/// A longer token is refused before it is decoded.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// How far the clocks of guichet and of the issuer may be apart.
pub const LEEWAY: Duration = Duration::from_secs(30);
/// Verified tokens that are remembered: some 50 MB at the worst.
const REMEMBERED_TOKENS: usize = 50_000;

/// Verifies tokens. Copies share keys and memory.
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

/// What a token says, and whether this process verified it just now rather than remembered it.
#[derive(Debug, Clone)]
pub struct VerifiedToken {
    pub claims: Arc<Claims>,
    pub is_new: bool,
}

impl TokenVerifier {
    /// `secret` is the key of HS256, as `config::TokensConfig::hs256_secret` gives it. Errors: a `JWT_JWKS_URL` that
    /// is neither https nor on this machine.
    pub fn new(
        config: &config::TokensConfig,
        secret: Option<&SecretString>,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let jwks = config.jwks_url.clone().map(|url| Jwks::new(url, clock.clone())).transpose()?;
        let secret = secret.map(|secret| DecodingKey::from_secret(secret.expose_secret().as_bytes()));
        let verified = Cache::new(REMEMBERED_TOKENS);
        Ok(Self { inner: Arc::new(Inner { config: config.clone(), secret, jwks, verified, clock }) })
    }

    /// Errors: `UNAUTHENTICATED`; `UNAVAILABLE` while no key of the identity provider was ever to be had.
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
        let claims = Arc::new(claims::read(&body, &self.inner.config, now)?);
        self.inner.verified.put(hash, Arc::clone(&claims), claims.ends_at(), now);
        Ok(VerifiedToken { claims, is_new: true })
    }

    async fn decode(&self, token: &str) -> Result<Value> {
        let header = jsonwebtoken::decode_header(token).map_err(refused)?;
        // An extension that must be understood is one that guichet does not know.
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

/// `JWT`, or an access token of RFC 9068. Other types are other promises.
fn is_session_type(typ: &str) -> bool {
    let typ = typ.to_ascii_lowercase();
    matches!(typ.strip_prefix("application/").unwrap_or(&typ), "jwt" | "at+jwt")
}

/// The library checks the signature, `claims` all the rest: it tells time by a clock that tests can move.
fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}

fn refused(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::unauthenticated().because(why)
}
