//! Published keys, from a provider that is a real HTTP server.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use guichet::auth::TokenVerifier;
use guichet::config::{Config, Variables};
use guichet_base::{Clock, ErrorKind};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::keys::{Signer, forged};

/// The provider's responses, and the number of requests.
#[derive(Clone)]
struct Provider {
    url: String,
    answer: Arc<Mutex<(u16, String)>>,
    asked: Arc<AtomicUsize>,
}

impl Provider {
    #[expect(clippy::disallowed_methods, reason = "a server of the test's own, gone with its runtime")]
    async fn start(keys: &[&Signer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let provider = Self { url, answer: Arc::default(), asked: Arc::default() };
        provider.publish(keys);
        let serving = provider.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                serving.asked.fetch_add(1, Ordering::SeqCst);
                let (status, body) = serving.answer.lock().unwrap().clone();
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let length = body.len();
                let head =
                    format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
                let _ = stream.write_all((head + &body).as_bytes()).await;
            }
        });
        provider
    }

    fn publish(&self, keys: &[&Signer]) {
        self.answer(
            200,
            &json!({ "keys": keys.iter().map(|key| key.published()).collect::<Vec<_>>() }).to_string(),
        );
    }

    fn answer(&self, status: u16, body: &str) {
        *self.answer.lock().unwrap() = (status, body.to_owned());
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn tokens(&self, clock: &Clock) -> TokenVerifier {
        let config = Config::load(&Variables::from([("JWT_JWKS_URL", &*self.url)])).unwrap();
        TokenVerifier::new(&config.tokens, None, clock.clone()).unwrap()
    }
}

fn claims(clock: &Clock) -> Value {
    let now = clock.now().as_millis() / 1000;
    json!({ "sub": "somebody", "tenant_id": "acme", "role": "employee", "exp": now + 3600 })
}

#[test]
fn keys_come_over_https_or_from_this_machine() {
    for (url, is_fine) in [
        ("http://id.example.com/keys", false),
        ("http://127.0.0.1.example.com/keys", false),
        ("http://10.0.0.1/keys", false),
        ("https://id.example.com/keys", true),
        ("http://localhost:1/keys", true),
        ("http://[::1]:1/keys", true),
    ] {
        let config = Config::load(&Variables::from([("JWT_JWKS_URL", url)])).unwrap();
        assert_eq!(TokenVerifier::new(&config.tokens, None, Clock::system()).is_ok(), is_fine, "{url}");
    }
}

#[tokio::test]
async fn each_kind_of_key_verifies_its_own_algorithm() {
    let signers = [Signer::rsa("rsa"), Signer::ed25519("ed", 1), Signer::p256("ec", 1)];
    let provider = Provider::start(&signers.each_ref()).await;
    let clock = Clock::system();
    let tokens = provider.tokens(&clock);
    for signer in &signers {
        tokens.verify(&signer.sign(&claims(&clock))).await.unwrap();
    }
    assert_eq!(provider.asked(), 1);
}

#[tokio::test]
async fn a_key_is_not_used_for_what_it_is_not_for() {
    let (rsa, ed) = (Signer::rsa("rsa"), Signer::ed25519("ed", 1));
    let provider = Provider::start(&[&rsa, &ed]).await;
    let clock = Clock::system();
    let tokens = provider.tokens(&clock);
    let refused = async |token: String| tokens.verify(&token).await.unwrap_err().kind();
    // The published key as an HMAC secret, under its own name.
    let public = rsa.published().to_string();
    let confused = forged(&json!({ "alg": "HS256", "kid": "rsa" }), &claims(&clock), public.as_bytes());
    assert_eq!(refused(confused).await, ErrorKind::Unauthenticated);
    // A header that names the other key.
    let misnamed = Signer { kid: "ed", ..rsa.clone() }.sign(&claims(&clock));
    assert_eq!(refused(misnamed).await, ErrorKind::Unauthenticated);
    // A forged key under a known name.
    let impostor = Signer::ed25519("ed", 2).sign(&claims(&clock));
    assert_eq!(refused(impostor).await, ErrorKind::Unauthenticated);
}

#[tokio::test]
async fn a_secret_beside_published_keys_verifies_hs256_alone() {
    let rsa = Signer::rsa("rsa");
    let provider = Provider::start(&[&rsa]).await;
    let clock = Clock::system();
    let config = Config::load(&Variables::from([("JWT_JWKS_URL", &*provider.url)])).unwrap();
    let secret = SecretString::from("a secret for tests, longer than thirty-two bytes");
    let tokens = TokenVerifier::new(&config.tokens, Some(&secret), clock.clone()).unwrap();
    let claims = claims(&clock);
    tokens.verify(&rsa.sign(&claims)).await.unwrap();
    let own = forged(&json!({ "alg": "HS256", "kid": "rsa" }), &claims, secret.expose_secret().as_bytes());
    tokens.verify(&own).await.unwrap();
    let public = rsa.published();
    for key in [public.to_string(), public["n"].as_str().unwrap().to_owned()] {
        let confused = forged(&json!({ "alg": "HS256", "kid": "rsa" }), &claims, key.as_bytes());
        assert_eq!(tokens.verify(&confused).await.unwrap_err().kind(), ErrorKind::Unauthenticated);
    }
    let claimed =
        forged(&json!({ "alg": "RS256", "kid": "rsa" }), &claims, secret.expose_secret().as_bytes());
    assert_eq!(tokens.verify(&claimed).await.unwrap_err().kind(), ErrorKind::Unauthenticated);
}

#[tokio::test]
async fn keys_for_other_uses_do_not_verify() {
    let ed = Signer::ed25519("ed", 1);
    let clock = Clock::system();
    for (field, value) in [("use", json!("enc")), ("key_ops", json!(["sign"])), ("alg", json!("ES256"))] {
        let mut key = ed.published();
        key[field] = value;
        let provider = Provider::start(&[]).await;
        let other = Signer::p256("ec", 1).published();
        provider.answer(200, &json!({ "keys": [{ "kty": "strange" }, key, other] }).to_string());
        let tokens = provider.tokens(&clock);
        let error = tokens.verify(&ed.sign(&claims(&clock))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{field}");
    }
}

#[tokio::test]
async fn a_rotated_key_is_found_and_the_old_one_ends() {
    let (old, new) = (Signer::ed25519("old", 1), Signer::ed25519("new", 2));
    let provider = Provider::start(&[&old]).await;
    let clock = Clock::system();
    let tokens = provider.tokens(&clock);
    tokens.verify(&old.sign(&claims(&clock))).await.unwrap();
    provider.publish(&[&old, &new]);
    clock.advance(Duration::from_secs(61));
    tokens.verify(&new.sign(&claims(&clock))).await.unwrap();
    tokens.verify(&old.sign(&claims(&clock))).await.unwrap();
    assert_eq!(provider.asked(), 2);
    provider.publish(&[&new]);
    clock.advance(Duration::from_secs(601));
    let mut later = claims(&clock);
    later["name"] = json!("later");
    assert_eq!(tokens.verify(&old.sign(&later)).await.unwrap_err().kind(), ErrorKind::Unauthenticated);
    tokens.verify(&new.sign(&later)).await.unwrap();
}

#[tokio::test]
async fn a_flood_of_unknown_key_names_causes_one_fetch() {
    let known = Signer::ed25519("known", 1);
    let provider = Provider::start(&[&known]).await;
    let clock = Clock::system();
    let tokens = provider.tokens(&clock);
    tokens.verify(&known.sign(&claims(&clock))).await.unwrap();
    clock.advance(Duration::from_secs(61));
    let flood = (0..1000).map(|n| {
        let mut claims = claims(&clock);
        claims["name"] = json!(n.to_string());
        let unknown = Signer { kid: Box::leak(format!("kid-{n}").into_boxed_str()), ..known.clone() };
        let (tokens, token) = (tokens.clone(), unknown.sign(&claims));
        async move { tokens.verify(&token).await.is_err() }
    });
    assert!(futures_util::future::join_all(flood).await.into_iter().all(|refused| refused));
    assert_eq!(provider.asked(), 2, "one at the start, one for the flood");
    let mut other = claims(&clock);
    other["name"] = json!("meanwhile");
    tokens.verify(&known.sign(&other)).await.unwrap();
    assert_eq!(provider.asked(), 2);
}

#[tokio::test]
async fn the_last_good_keys_stay_while_the_provider_is_down() {
    let key = Signer::ed25519("key", 1);
    let provider = Provider::start(&[&key]).await;
    let clock = Clock::system();
    let tokens = provider.tokens(&clock);
    tokens.verify(&key.sign(&claims(&clock))).await.unwrap();
    let huge = format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(70_000));
    for (status, body) in [(500, "{}"), (200, "no json"), (200, "{\"keys\":[]}"), (302, ""), (200, &*huge)] {
        provider.answer(status, body);
        clock.advance(Duration::from_secs(601));
        let asked = provider.asked();
        tokens.verify(&key.sign(&claims(&clock))).await.unwrap();
        assert_eq!(provider.asked(), asked + 1, "{status} {}", body.len());
    }
}

#[tokio::test]
async fn without_any_key_yet_the_answer_is_to_come_again() {
    let key = Signer::ed25519("key", 1);
    let provider = Provider::start(&[&key]).await;
    provider.answer(503, "");
    let clock = Clock::system();
    let tokens = provider.tokens(&clock);
    let token = key.sign(&claims(&clock));
    assert_eq!(tokens.verify(&token).await.unwrap_err().kind(), ErrorKind::Unavailable);
    provider.publish(&[&key]);
    clock.advance(Duration::from_secs(5));
    tokens.verify(&token).await.unwrap();
}

#[tokio::test]
async fn a_nameless_token_is_for_the_only_key_of_its_kind() {
    let (one, two) = (Signer::ed25519("one", 1), Signer::ed25519("two", 2));
    let clock = Clock::system();
    let nameless = |signer: &Signer| signer.sign_unnamed(&claims(&clock));
    let provider = Provider::start(&[&one, &Signer::p256("ec", 1)]).await;
    provider.tokens(&clock).verify(&nameless(&one)).await.unwrap();
    let provider = Provider::start(&[&one, &two]).await;
    let error = provider.tokens(&clock).verify(&nameless(&one)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
}
