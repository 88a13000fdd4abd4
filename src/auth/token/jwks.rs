//! The identity provider's published keys (JWKS, RFC 7517), fetched and cached.
//!
//! - An unknown key id causes at most one fetch per minute, however many tokens name it. One fetch runs at a time.
//! - The last valid set stays in use while the endpoint is down.
//! - A key verifies the one algorithm of its type, and only if its `use`, `key_ops` and `alg` permit it. The key id
//!   is an opaque name; other key references in a token's header are ignored.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use futures_util::StreamExt;
use guichet_base::{Clock, Error, Result, Timestamp};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use parking_lot::RwLock;
use reqwest::Url;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::refused;

const KEY_SET_TTL: Duration = Duration::from_secs(600);
const MIN_FETCH_INTERVAL: Duration = Duration::from_secs(60);
/// Delay before the next fetch while there is no key set at all, since no token can be verified until then. Also the
/// delay after a fetch that was dropped because its request was cancelled: a cancelled request must not postpone the
/// next fetch.
const RETRY_WITHOUT_KEYS: Duration = Duration::from_secs(5);
const FETCH_TIMEOUT: Duration = Duration::from_secs(2);
const MAX_SET_BYTES: usize = 64 * 1024;
/// RFC 7518, 3.3: 2048 bits.
const MIN_RSA_MODULUS_CHARS: usize = 342;

pub(super) struct Jwks {
    url: Url,
    http: reqwest::Client,
    clock: Clock,
    state: RwLock<KeySetState>,
    /// One fetch at a time.
    fetch_permit: Semaphore,
}

#[derive(Default, Clone)]
struct KeySetState {
    keys: Option<Arc<[VerificationKey]>>,
    fetched_at: Option<Timestamp>,
    next_fetch_at: Option<Timestamp>,
}

struct VerificationKey {
    id: Option<String>,
    algorithm: Algorithm,
    decoding: DecodingKey,
}

impl Jwks {
    pub fn new(url: Url, clock: Clock) -> anyhow::Result<Self> {
        ensure!(
            url.scheme() == "https" || is_loopback(&url),
            "JWT_JWKS_URL must be https: whoever can change the answer on its way can make tokens"
        );
        // rustls needs one crypto provider for the process. Every caller installs the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(FETCH_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("the HTTP client for JWT_JWKS_URL cannot be made")?;
        Ok(Self { url, http, clock, state: RwLock::default(), fetch_permit: Semaphore::new(1) })
    }

    /// The key with this `id`. Without an id, the only key for `algorithm`.
    pub async fn key(&self, id: Option<&str>, algorithm: Algorithm) -> Result<DecodingKey> {
        let state = self.state();
        let found = state.find(id, algorithm);
        if found.is_some() && !self.is_stale(&state) {
            return found.ok_or_else(|| refused("no such key"));
        }
        self.fetch_if_due(found.is_some()).await;
        let state = self.state();
        match state.find(id, algorithm) {
            Some(key) => Ok(key),
            None if state.keys.is_none() => Err(Error::unavailable("no key of the identity provider yet")),
            None => Err(refused("no published key is the token's")),
        }
    }

    /// Fetches the keys if a fetch is due. A caller that already has a key does not wait for a running fetch.
    async fn fetch_if_due(&self, has_key: bool) {
        if !self.is_fetch_due() {
            return;
        }
        let turn = if has_key {
            self.fetch_permit.try_acquire().ok()
        } else {
            self.fetch_permit.acquire().await.ok()
        };
        // Another task may have fetched while this one waited.
        if turn.is_none() || !self.is_fetch_due() {
            return;
        }
        self.update_state(|state, now| state.next_fetch_at = Some(now.plus(RETRY_WITHOUT_KEYS)));
        let fetched = self.fetch().await;
        self.update_state(|state, now| {
            match fetched {
                Ok(keys) => {
                    state.keys = Some(keys);
                    state.fetched_at = Some(now);
                }
                Err(error) => tracing::warn!(
                    error.cause = format!("{error:#}"),
                    "the identity provider's keys could not be fetched; the last good ones stay in use"
                ),
            }
            let pause = if state.keys.is_some() { MIN_FETCH_INTERVAL } else { RETRY_WITHOUT_KEYS };
            state.next_fetch_at = Some(now.plus(pause));
        });
    }

    async fn fetch(&self) -> anyhow::Result<Arc<[VerificationKey]>> {
        let response = self.http.get(self.url.clone()).send().await?.error_for_status()?;
        ensure!(response.status() == 200, "the answer is {}", response.status());
        let mut body = Vec::new();
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            body.extend_from_slice(&chunk?);
            ensure!(body.len() <= MAX_SET_BYTES, "the answer has more than {MAX_SET_BYTES} bytes");
        }
        let set: JwkSet = serde_json::from_slice(&body)?;
        let keys: Arc<[VerificationKey]> = set.keys.into_iter().filter_map(parse_key).collect();
        ensure!(!keys.is_empty(), "no key in the answer is for RS256, ES256 or EdDSA");
        Ok(keys)
    }

    fn is_stale(&self, state: &KeySetState) -> bool {
        state.fetched_at.is_none_or(|time| time <= self.clock.now().minus(KEY_SET_TTL))
    }

    fn is_fetch_due(&self) -> bool {
        self.state().next_fetch_at.is_none_or(|time| time <= self.clock.now())
    }

    fn state(&self) -> KeySetState {
        self.state.read().clone()
    }

    fn update_state(&self, change: impl FnOnce(&mut KeySetState, Timestamp)) {
        change(&mut self.state.write(), self.clock.now());
    }
}

impl KeySetState {
    fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<DecodingKey> {
        let keys = self.keys.as_ref()?;
        let mut fitting = keys
            .iter()
            .filter(|key| key.algorithm == algorithm && (id.is_none() || key.id.as_deref() == id))
            .map(|key| &key.decoding);
        let key = fitting.next()?;
        fitting.next().is_none().then(|| key.clone())
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    url.scheme() == "http" && (host == "localhost" || address.is_ok_and(|address| address.is_loopback()))
}

/// Keys are parsed one by one, so that a key of an unknown type does not hide the others.
#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<Value>,
}

fn parse_key(key: Value) -> Option<VerificationKey> {
    let jwk: Jwk = serde_json::from_value(key).ok()?;
    let (algorithm, named) = match &jwk.algorithm {
        AlgorithmParameters::RSA(rsa) if rsa.n.len() >= MIN_RSA_MODULUS_CHARS => {
            (Algorithm::RS256, KeyAlgorithm::RS256)
        }
        AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(okp) if okp.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        _ => return None,
    };
    let common = &jwk.common;
    let signs = common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
    let verifies = common.key_operations.as_ref().is_none_or(|list| list.contains(&KeyOperations::Verify));
    let agrees = common.key_algorithm.is_none_or(|algorithm| algorithm == named);
    if !(signs && verifies && agrees) {
        return None;
    }
    let decoding = DecodingKey::from_jwk(&jwk).ok()?;
    Some(VerificationKey { id: jwk.common.key_id, algorithm, decoding })
}
