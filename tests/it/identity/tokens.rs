//! Verification of tokens, without a database.

use std::time::Duration;

use guichet::auth::TokenVerifier;
use guichet::auth::token::{MAX_TOKEN_BYTES, NewToken, mint};
use guichet::config::{Config, Variables};
use guichet::directory::TenantName;
use guichet_base::id::{TenantId, UserId};
use guichet_base::{Clock, ErrorKind, Role, Timestamp};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::keys::{RSA_PEM, Signer, forged};

const SECRET: &str = "a secret for tests, longer than thirty-two bytes";
const SOMEBODY: &str = "0198c0de-0000-7000-8000-000000000001";

struct Verifier {
    tokens: TokenVerifier,
    config: Config,
    clock: Clock,
}

fn verifier(variables: &[(&str, &str)]) -> Verifier {
    let config = Config::load(&Variables::from_iter(variables.iter().copied())).unwrap();
    let clock = Clock::system();
    let tokens =
        TokenVerifier::new(&config.tokens, Some(&SecretString::from(SECRET)), clock.clone()).unwrap();
    Verifier { tokens, config, clock }
}

impl Verifier {
    fn claims(&self) -> Value {
        let now = self.clock.now().as_millis() / 1000;
        json!({ "sub": SOMEBODY, "tenant_id": "acme", "role": "employee", "iat": now, "exp": now + 600 })
    }

    fn signed(&self, claims: &Value) -> String {
        forged(&json!({ "alg": "HS256", "typ": "JWT" }), claims, SECRET.as_bytes())
    }

    async fn refuses(&self, token: &str, why: &str) {
        let error = self.tokens.verify(token).await.expect_err(why);
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{why}");
    }

    async fn refuses_claims(&self, change: Value, why: &str) {
        let mut claims = self.claims();
        for (name, value) in change.as_object().unwrap() {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        self.refuses(&self.signed(&claims), why).await;
    }
}

#[tokio::test]
async fn a_token_that_is_none_is_refused() {
    let verifier = verifier(&[]);
    let good = verifier.signed(&verifier.claims());
    let cut = &good[..good.len() - 4];
    for token in
        ["", ".", "..", "a.b.c", "garbage", "\u{0}", cut, &format!("{good}.x"), &format!("{good}AAAA")]
    {
        verifier.refuses(token, token).await;
    }
    verifier.refuses(&"a".repeat(MAX_TOKEN_BYTES + 1), "huge").await;
    verifier.tokens.verify(&good).await.unwrap();
}

#[tokio::test]
async fn a_huge_token_is_refused_though_its_signature_holds() {
    let verifier = verifier(&[]);
    let mut claims = verifier.claims();
    claims["name"] = json!("x".repeat(MAX_TOKEN_BYTES));
    verifier.refuses(&verifier.signed(&claims), "over the limit").await;
}

#[tokio::test]
async fn a_token_signed_by_another_secret_is_refused() {
    let verifier = verifier(&[]);
    let token =
        forged(&json!({ "alg": "HS256" }), &verifier.claims(), b"another secret, also of thirty-two bytes");
    verifier.refuses(&token, "wrong key").await;
}

#[tokio::test]
async fn the_header_does_not_choose_the_algorithm() {
    let verifier = verifier(&[]);
    let claims = verifier.claims();
    for alg in ["none", "None", "nOnE", "HS384", "HS512", "RS256", "ES256", "EdDSA", "PS256", "hs256", ""] {
        let token = forged(&json!({ "alg": alg, "typ": "JWT" }), &claims, SECRET.as_bytes());
        verifier.refuses(&token, alg).await;
        let unsigned = format!("{}.", token.rsplit_once('.').unwrap().0);
        verifier.refuses(&unsigned, alg).await;
    }
    let unsigned = verifier.signed(&claims);
    verifier.refuses(&format!("{}.", unsigned.rsplit_once('.').unwrap().0), "no signature").await;
}

#[tokio::test]
async fn what_a_header_points_to_is_not_followed() {
    let verifier = verifier(&[]);
    let claims = verifier.claims();
    let own = Signer::ed25519("mine", 7);
    let header = json!({ "alg": "EdDSA", "jwk": own.published(), "jku": "http://127.0.0.1:1/keys", "kid": "../../dev/null" });
    let token = forged(&header, &claims, SECRET.as_bytes());
    verifier.refuses(&token, "key of its own").await;
    verifier.refuses(&own.sign(&claims), "no keys are published").await;
    // The key id is an opaque name, and is ignored for the secret.
    let header = json!({ "alg": "HS256", "kid": "' OR 1=1 --" });
    verifier.tokens.verify(&forged(&header, &claims, SECRET.as_bytes())).await.unwrap();
}

#[tokio::test]
async fn a_token_of_another_type_is_no_session() {
    let verifier = verifier(&[]);
    let claims = verifier.claims();
    for header in [
        json!({ "alg": "HS256", "typ": "upload+jwt" }),
        json!({ "alg": "HS256", "typ": "JWE" }),
        json!({ "alg": "HS256", "crit": ["b64"], "b64": false }),
    ] {
        verifier.refuses(&forged(&header, &claims, SECRET.as_bytes()), &header.to_string()).await;
    }
    for typ in ["JWT", "jwt", "at+jwt", "application/at+jwt"] {
        let token = forged(&json!({ "alg": "HS256", "typ": typ }), &claims, SECRET.as_bytes());
        verifier.tokens.verify(&token).await.unwrap();
    }
}

#[tokio::test]
async fn a_public_key_is_no_secret() {
    // With only the secret configured: a token whose HMAC key is a public RSA key.
    let verifier = verifier(&[]);
    let public = Signer::rsa("k").published().to_string();
    let token = forged(&json!({ "alg": "HS256", "kid": "k" }), &verifier.claims(), public.as_bytes());
    verifier.refuses(&token, "HMAC with a public key").await;
    verifier
        .refuses(&forged(&json!({ "alg": "HS256" }), &verifier.claims(), RSA_PEM), "HMAC with a PEM")
        .await;
}

#[tokio::test]
async fn claims_that_are_missing_or_wrong_are_refused() {
    let verifier = verifier(&[]);
    for (change, why) in [
        (json!({ "exp": null }), "no exp"),
        (json!({ "exp": "tomorrow" }), "exp as a word"),
        (json!({ "exp": -1 }), "negative exp"),
        (json!({ "exp": 1.0e300 }), "absurd exp"),
        (json!({ "exp": verifier.clock.now().as_millis() + 600_000 }), "exp in milliseconds"),
        (json!({ "nbf": verifier.clock.now().as_millis() / 1000 + 120 }), "not yet"),
        (json!({ "nbf": [] }), "nbf that is no date"),
        (json!({ "tenant_id": null }), "no tenant"),
        (json!({ "tenant_id": 7 }), "a number for a tenant"),
        (json!({ "tenant_id": "" }), "an empty tenant"),
        (json!({ "tenant_id": "*" }), "every tenant, for a person"),
        (json!({ "tenant_id": "x".repeat(64) }), "a long slug"),
        (json!({ "role": null }), "no role"),
        (json!({ "role": "platform" }), "a role of the inside"),
        (json!({ "role": "system" }), "a role of the inside"),
        (json!({ "role": "Owner" }), "an unmapped word"),
        (json!({ "role": ["owner"] }), "a list of roles"),
        (json!({ "sub": null }), "no subject"),
        (json!({ "sub": "" }), "an empty subject"),
        (json!({ "sub": "x".repeat(401) }), "a long subject"),
        (json!({ "sub": "nul\u{0}" }), "U+0000"),
    ] {
        verifier.refuses_claims(change, why).await;
    }
}

#[tokio::test]
async fn a_token_ends_with_its_exp_and_half_a_minute() {
    let verifier = verifier(&[]);
    let token = verifier.signed(&verifier.claims());
    assert!(verifier.tokens.verify(&token).await.unwrap().is_new);
    verifier.clock.advance(Duration::from_secs(620));
    assert!(!verifier.tokens.verify(&token).await.unwrap().is_new, "remembered");
    verifier.clock.advance(Duration::from_secs(15));
    verifier.refuses(&token, "expired, though remembered").await;
}

#[tokio::test]
async fn issuer_and_audience_count_where_they_are_configured() {
    let verifier = verifier(&[("JWT_ISSUER", "https://id.example.com"), ("JWT_AUDIENCE", "guichet")]);
    verifier.refuses_claims(json!({ "aud": "guichet" }), "no issuer").await;
    verifier
        .refuses_claims(json!({ "iss": "https://id.example.com/", "aud": "guichet" }), "another issuer")
        .await;
    verifier.refuses_claims(json!({ "iss": "https://id.example.com" }), "no audience").await;
    verifier
        .refuses_claims(json!({ "iss": "https://id.example.com", "aud": ["crm"] }), "another audience")
        .await;
    let mut claims = verifier.claims();
    claims["iss"] = json!("https://id.example.com");
    for audience in [json!("guichet"), json!(["crm", "guichet"])] {
        claims["aud"] = audience;
        verifier.tokens.verify(&verifier.signed(&claims)).await.unwrap();
    }
}

#[tokio::test]
async fn tokens_of_an_existing_provider_are_read_where_it_puts_things() {
    let verifier = verifier(&[
        ("JWT_TENANT_CLAIM", "/app_metadata/tenant_id"),
        ("JWT_ROLE_CLAIM", "/app_metadata/role"),
        ("JWT_ROLE_MAP", "PDG:owner,Employé:employee"),
    ]);
    let tenant = TenantId::new();
    let now = verifier.clock.now().as_millis() / 1000;
    let claims = json!({
        "sub": "auth0|123", "iss": "https://id.example.com", "role": "authenticated", "exp": now + 60,
        "app_metadata": { "tenant_id": tenant, "role": "PDG" }, "email": " pdg@example.com ", "locale": "en-GB",
    });
    let read = verifier.tokens.verify(&verifier.signed(&claims)).await.unwrap().claims;
    assert_eq!((read.role, &read.tenant), (Role::Owner, &TenantName::Id(tenant)));
    assert_eq!(read.external_id.as_deref(), Some("auth0|123"));
    assert_eq!(read.email.as_deref(), Some("pdg@example.com"));
    let changed = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        verifier.signed(&claims)
    };
    let again = verifier.tokens.verify(&changed("exp", json!(now + 61))).await.unwrap().claims;
    assert_eq!(again.user, read.user, "one person, whichever token");
    let other = changed("iss", json!("https://other.example.com"));
    let other = verifier.tokens.verify(&other).await.unwrap().claims;
    assert_ne!(other.user, read.user, "the same sub of another issuer is another person");
}

#[tokio::test]
async fn a_service_is_nobody_s_double() {
    let verifier = verifier(&[]);
    let mut claims = verifier.claims();
    claims["role"] = json!("service");
    claims["tenant_id"] = json!("*");
    claims["scopes"] = json!("event.emit  directory.*");
    let read = verifier.tokens.verify(&verifier.signed(&claims)).await.unwrap().claims;
    assert_ne!(read.user, SOMEBODY.parse::<UserId>().unwrap());
    assert_eq!(*read.scopes, ["event.emit", "directory.*"]);
    assert_eq!(read.tenant, TenantName::Any);
    claims["role"] = json!("employee");
    claims["tenant_id"] = json!("acme");
    let person = verifier.tokens.verify(&verifier.signed(&claims)).await.unwrap().claims;
    assert!(person.scopes.is_empty(), "scopes are for services");
}

#[tokio::test]
async fn a_minted_token_is_believed_wherever_claims_are_configured() {
    for variables in [
        &[][..],
        &[
            ("JWT_TENANT_CLAIM", "/a~1b/c"),
            ("JWT_ROLE_CLAIM", "/a~1b/role"),
            ("JWT_ISSUER", "me"),
            ("JWT_AUDIENCE", "us"),
        ],
    ] {
        let verifier = verifier(variables);
        let now = verifier.clock.now();
        let new = NewToken {
            subject: SOMEBODY.to_owned(),
            tenant: "acme".to_owned(),
            role: Role::Client,
            clients: vec![Default::default()],
            scopes: vec![],
            name: Some("Chloé".to_owned()),
            email: None,
            locale: None,
            issued_at: now,
            expires_at: Timestamp::from_millis(now.as_millis() + 60_000),
        };
        let token = mint(&verifier.config.tokens, &SecretString::from(SECRET), &new).unwrap();
        let read = verifier.tokens.verify(&token).await.unwrap().claims;
        assert_eq!(read.tenant, TenantName::Slug("acme".to_owned()));
        assert_eq!((read.role, read.clients.len(), read.name.as_deref()), (Role::Client, 1, Some("Chloé")));
    }
}
