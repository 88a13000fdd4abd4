//! Signing keys of a fictitious identity provider, made for these tests only.

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

pub const RSA_PEM: &[u8] = include_bytes!("rsa.pem");

/// PKCS #8 around the 32 bytes of an Ed25519 key.
const ED25519_PREFIX: &[u8] = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
/// PKCS #8 around the 32 bytes of a P-256 key.
const P256_PREFIX: &[u8] =
    b"\x30\x41\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\
    \xce\x3d\x03\x01\x07\x04\x27\x30\x25\x02\x01\x01\x04\x20";

/// A private key, its name, and its algorithm.
#[derive(Clone)]
pub struct Signer {
    pub kid: &'static str,
    pub algorithm: Algorithm,
    pub key: EncodingKey,
}

impl Signer {
    pub fn rsa(kid: &'static str) -> Self {
        Self { kid, algorithm: Algorithm::RS256, key: EncodingKey::from_rsa_pem(RSA_PEM).unwrap() }
    }

    pub fn ed25519(kid: &'static str, seed: u8) -> Self {
        let der = [ED25519_PREFIX, &[seed; 32]].concat();
        Self { kid, algorithm: Algorithm::EdDSA, key: EncodingKey::from_ed_der(&der) }
    }

    pub fn p256(kid: &'static str, seed: u8) -> Self {
        let der = [P256_PREFIX, &[seed; 32]].concat();
        Self { kid, algorithm: Algorithm::ES256, key: EncodingKey::from_ec_der(&der) }
    }

    pub fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.kid.to_owned()), ..Header::new(self.algorithm) };
        encode(&header, claims, &self.key).unwrap()
    }

    pub fn sign_unnamed(&self, claims: &Value) -> String {
        encode(&Header::new(self.algorithm), claims, &self.key).unwrap()
    }

    /// The public key as a provider publishes it.
    pub fn published(&self) -> Value {
        let mut jwk =
            serde_json::to_value(Jwk::from_encoding_key(&self.key, self.algorithm).unwrap()).unwrap();
        jwk["kid"] = json!(self.kid);
        jwk["use"] = json!("sig");
        jwk
    }
}

/// A token with any header and claims, signed by HS256 whatever the header says.
pub fn forged(header: &Value, claims: &Value, secret: &[u8]) -> String {
    use base64::Engine;
    let part = |value: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let key = EncodingKey::from_secret(secret);
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}
