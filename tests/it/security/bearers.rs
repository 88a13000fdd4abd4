//! Invalid tokens over HTTP and sockets: one response for all of them, and no trace of them in the log.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::{SinkExt, StreamExt};
use guichet_base::Role;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

use crate::api::sample_records::{Caller, token};
use crate::harness::{ApiResponse, JWT_SECRET, Process, TestServer};

fn encode(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

fn signed(header: &Header, claims: &Value, secret: &str) -> String {
    jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

fn hs256(claims: &Value) -> String {
    signed(&Header::new(Algorithm::HS256), claims, JWT_SECRET)
}

/// The valid claims of Chloé.
fn right(server: &TestServer) -> Value {
    let now = server.clock.now().as_millis() / 1000;
    json!({"sub": server.user("chloe").id, "tenant_id": server.demo.tenant_id, "role": "client",
        "iat": now, "exp": now + 3600, "jti": Uuid::now_v7()})
}

/// The valid claims with changes; null removes one.
fn with(server: &TestServer, changes: Value) -> Value {
    let mut claims = right(server);
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

/// Tokens with a valid signature and invalid claims.
fn wrong_claims(server: &TestServer, elsewhere: &str) -> Vec<(String, String)> {
    let now = server.clock.now().as_millis() / 1000;
    [
        json!({"exp": now - 3600}),
        json!({"exp": null}),
        json!({"exp": "tomorrow"}),
        json!({"exp": -1}),
        json!({"exp": 1e300}),
        json!({"exp": (now + 3600) * 1000}),
        json!({"exp": [now + 3600]}),
        json!({"nbf": now + 3600}),
        json!({"nbf": "x"}),
        json!({"sub": null}),
        json!({"sub": ""}),
        json!({"sub": 7}),
        json!({"sub": "a\u{0}b"}),
        json!({"sub": {}}),
        json!({"sub": Uuid::now_v7()}),
        json!({"sub": "nobody we know"}),
        json!({"tenant_id": null}),
        json!({"tenant_id": ""}),
        json!({"tenant_id": Uuid::now_v7()}),
        json!({"tenant_id": "nowhere"}),
        json!({"tenant_id": "*"}),
        json!({"tenant_id": 1}),
        json!({"tenant_id": [server.demo.tenant_id]}),
        json!({"tenant_id": "demo\u{0}"}),
        json!({"tenant_id": "DEMO'--"}),
        json!({"tenant_id": elsewhere}),
        json!({"tenant_id": "x".repeat(500)}),
        json!({"role": null}),
        json!({"role": "admin"}),
        json!({"role": "Owner"}),
        json!({"role": "platform"}),
        json!({"role": ["client"]}),
        json!({"role": ""}),
        json!({"role": "system"}),
    ]
    .into_iter()
    .map(|changes| (changes.to_string().chars().take(60).collect(), hs256(&with(server, changes))))
    .collect()
}

/// Tokens with an invalid signature, header or format.
fn wrong_tokens(server: &TestServer) -> Vec<(String, String)> {
    let claims = right(server);
    let good = hs256(&claims);
    let (head, rest) = good.split_once('.').unwrap();
    let (body, signature) = rest.split_once('.').unwrap();
    let raised = encode(&with(server, json!({"role": "owner", "sub": server.user("awa").id})));
    let with_header = |header: Value| {
        let signed_part = format!("{}.{body}", encode(&header));
        let key = EncodingKey::from_secret(JWT_SECRET.as_bytes());
        let signature = jsonwebtoken::crypto::sign(signed_part.as_bytes(), &key, Algorithm::HS256).unwrap();
        format!("{signed_part}.{signature}")
    };
    let mut huge = Header::new(Algorithm::HS256);
    huge.kid = Some("k".repeat(20_000));
    let mut all: Vec<(&str, String)> = vec![
        (
            "another key",
            signed(&Header::new(Algorithm::HS256), &claims, "another secret, as long as it should be, or so"),
        ),
        ("an empty key", signed(&Header::new(Algorithm::HS256), &claims, "")),
        ("HS384", signed(&Header::new(Algorithm::HS384), &claims, JWT_SECRET)),
        ("HS512", signed(&Header::new(Algorithm::HS512), &claims, JWT_SECRET)),
        ("RS256 with the secret", with_header(json!({"alg": "RS256", "typ": "JWT"}))),
        ("an unknown algorithm", with_header(json!({"alg": "XX999", "typ": "JWT"}))),
        ("no algorithm", with_header(json!({"typ": "JWT"}))),
        ("another type", with_header(json!({"alg": "HS256", "typ": "upload+jwt"}))),
        (
            "an extension that must be understood",
            with_header(json!({"alg": "HS256", "typ": "JWT", "crit": ["b64"], "b64": false})),
        ),
        ("a raised role", format!("{head}.{raised}.{signature}")),
        ("no signature", format!("{head}.{body}.")),
        ("half a signature", format!("{head}.{body}.{}", &signature[..20])),
        ("a padded signature", format!("{good}=")),
        ("four parts", format!("{good}.{signature}")),
        ("two parts", format!("{head}.{body}")),
        ("a huge head", signed(&huge, &claims, JWT_SECRET)),
        ("a huge body", hs256(&with(server, json!({"pad": "x".repeat(12_000)})))),
        ("claims that are no object", signed(&Header::new(Algorithm::HS256), &json!([1]), JWT_SECRET)),
        ("garbage", "garbage-without-any-dot-in-it".to_owned()),
        ("dots", "....".to_owned()),
        ("parts of nothing", "bm90aGluZw.bm90aGluZw.bm90aGluZw".to_owned()),
        ("a service key", "sb_secret_0123456789abcdef0123456789".to_owned()),
    ];
    for none in ["none", "None", "NONE", "nOnE", ""] {
        all.push(("no algorithm at all", format!("{}.{body}.", encode(&json!({"alg": none, "typ": "JWT"})))));
        all.push(("none with a signature", format!("{}.{body}.{signature}", encode(&json!({"alg": none})))));
    }
    all.into_iter().map(|(label, token)| (label.to_owned(), token)).collect()
}

async fn all_wrong(server: &TestServer) -> Vec<(String, String)> {
    let platform = Caller::new(server, &token(server, "platform", "*", Role::Service));
    let body = json!({"slug": "elsewhere", "name": "Elsewhere"});
    let made = platform.must(reqwest::Method::POST, "/tenants", Some(body)).await;
    let mut all = wrong_claims(server, made["id"].as_str().unwrap());
    all.extend(wrong_tokens(server));
    all
}

fn is_refused(answer: &ApiResponse) -> bool {
    answer.status == 401
        && answer.body["error"]["code"] == "UNAUTHENTICATED"
        && answer.body["data"].is_null()
        && answer
            .headers
            .get("www-authenticate")
            .is_some_and(|value| value == "Bearer error=\"invalid_token\"")
}

#[tokio::test]
async fn a_token_that_is_none_opens_no_request() {
    let server = TestServer::start();
    let caller = Caller::new(&server, "");
    let mut wrong = Vec::new();
    let all = all_wrong(&server).await;
    for (label, token) in &all {
        for path in ["/me", "/conversations", "/no/such/route"] {
            let answer =
                ApiResponse::receive(caller.start(reqwest::Method::GET, path).bearer_auth(token)).await;
            if !is_refused(&answer) {
                wrong.push(format!("{label}: {path}: {} {}", answer.status, answer.body));
            }
        }
    }
    println!("tokens: {} that are none, {} requests", all.len(), all.len() * 3);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let good =
        ApiResponse::receive(caller.start(reqwest::Method::GET, "/me").bearer_auth(hs256(&right(&server))))
            .await;
    assert_eq!(good.status, 200, "{}", good.body);
}

#[tokio::test]
async fn a_header_that_is_no_bearer_opens_no_request() {
    let server = TestServer::start();
    let caller = Caller::new(&server, "");
    let good = hs256(&right(&server));
    let heads: Vec<Vec<Vec<u8>>> = vec![
        vec![b"Bearer".to_vec()],
        vec![b"Bearer ".to_vec()],
        vec![b"".to_vec()],
        vec![good.clone().into()],
        vec![format!("Basic {good}").into()],
        vec![format!("Token {good}").into()],
        vec![format!("Bearer{good}").into()],
        vec![format!("Bearer:{good}").into()],
        vec![format!("Bearer, {good}").into()],
        vec![format!("Bearer {good}, Bearer {good}").into()],
        vec![format!("Bearer {good} {good}").into()],
        vec![format!("Bearer \"{good}\"").into()],
        vec![format!("Bearer Bearer {good}").into()],
        vec![[b"Bearer \xFF\xFE", good.as_bytes()].concat()],
        vec![[good.as_bytes(), b"\xC3\xA9"].concat()],
        vec![format!("Bearer {good}").into(), format!("Bearer {good}").into()],
        vec![b"Basic YTpi".to_vec(), format!("Bearer {good}").into()],
        vec![format!("Bearer {}", "x".repeat(30_000)).into()],
    ];
    for values in heads {
        let mut request = caller.start(reqwest::Method::GET, "/me");
        for value in &values {
            request =
                request.header("authorization", reqwest::header::HeaderValue::from_bytes(value).unwrap());
        }
        let answer = ApiResponse::receive(request).await;
        let shown: Vec<_> =
            values.iter().map(|value| String::from_utf8_lossy(&value[..value.len().min(20)])).collect();
        assert!(is_refused(&answer), "{shown:?}: {} {}", answer.status, answer.body);
    }
    // Not where tokens of requests belong.
    for path in
        [format!("/me?token={good}"), format!("/me?access_token={good}"), format!("/me?apikey={good}")]
    {
        let answer = ApiResponse::receive(
            caller.start(reqwest::Method::GET, &path).header("cookie", format!("token={good}")),
        )
        .await;
        assert_eq!(answer.status, 401);
    }
    let lower = caller.start(reqwest::Method::GET, "/me").header("authorization", format!("bearer {good}"));
    assert_eq!(ApiResponse::receive(lower).await.status, 200, "the scheme has no case");
}

#[tokio::test]
async fn a_token_that_is_none_opens_no_topic() {
    let server = TestServer::start();
    let topic = format!("realtime:chat:room:{}", server.client("atelier_nord"));
    let mut wrong = Vec::new();
    for (label, token) in all_wrong(&server).await {
        for in_join in [false, true] {
            let reply = join(&server.socket_url(""), &topic, &token, in_join).await;
            let is_error = reply["status"] == "error" && reply["response"].get("last_seq").is_none();
            if !is_error {
                wrong.push(format!("{label}, in the join: {in_join}: {reply}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let good = join(&server.socket_url(""), &topic, &hs256(&right(&server)), true).await;
    assert_eq!(good["status"], "ok");
}

/// The reply to a join with the token in the URL or in the join itself.
async fn join(ws: &str, topic: &str, token: &str, in_join: bool) -> Value {
    let query: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("vsn", "2.0.0")
        .append_pair("apikey", if in_join { "" } else { token })
        .finish();
    let (mut ws, _) =
        tokio_tungstenite::connect_async(format!("{ws}/realtime/v1/websocket?{query}")).await.unwrap();
    let payload = if in_join { json!({"access_token": token}) } else { json!({}) };
    ws.send(Message::text(json!(["1", "1", topic, "phx_join", payload]).to_string())).await.unwrap();
    loop {
        let next =
            tokio::time::timeout(Duration::from_secs(60), ws.next()).await.expect("no answer to a join");
        let Some(Ok(Message::Text(text))) = next else { panic!("the socket ended: {next:?}") };
        let value: Value = serde_json::from_str(&text).unwrap();
        if value[1] == "1" {
            return value[4].clone();
        }
    }
}

#[tokio::test]
async fn nothing_of_a_token_is_logged_however_much_is() {
    let server = TestServer::start();
    let service = Process::start(&server, "trace");
    let mut all = all_wrong(&server).await;
    all.push(("the right one".to_owned(), hs256(&right(&server))));
    let topic = format!("realtime:chat:room:{}", server.client("atelier_nord"));
    let caller = Caller { base: service.url.clone(), ..Caller::new(&server, "") };
    let ws = service.url.replacen("http", "ws", 1);
    for (_, token) in &all {
        for path in
            ["/api/v1/me".to_owned(), format!("/api/v1/me?token={token}"), format!("/nowhere?token={token}")]
        {
            let _ = ApiResponse::receive(caller.start(reqwest::Method::GET, &path).bearer_auth(token)).await;
        }
        let _ = join(&ws, &topic, token, true).await;
        let _ = join(&ws, &topic, token, false).await;
    }
    // Connect tokens too, which are part of URLs: used, used again, and in the place of access tokens.
    let made = Caller { token: all[all.len() - 1].1.clone(), ..caller.clone() };
    let made = Caller { base: format!("{}/api/v1", service.url), ..made };
    for _ in 0..3 {
        let ticket = made.must(reqwest::Method::POST, "/realtime/ticket", None).await["ticket"].clone();
        let ticket = ticket.as_str().unwrap().to_owned();
        for _ in 0..2 {
            let address = format!("{ws}/realtime/v1/websocket?vsn=2.0.0&ticket={ticket}");
            let (mut socket, _) = tokio_tungstenite::connect_async(address).await.unwrap();
            let frame = json!(["1", "1", topic, "phx_join", {}]).to_string();
            socket.send(Message::text(frame)).await.unwrap();
            assert!(socket.next().await.is_some(), "no answer to a join");
        }
        let _ = join(&ws, &topic, &ticket, true).await;
        all.push(("a ticket".to_owned(), ticket));
    }
    let log = service.stop();
    assert!(log.len() > all.len(), "only {} lines were logged", log.len());
    let parts =
        |token: &str| token.split('.').filter(|part| part.len() >= 16).map(str::to_owned).collect::<Vec<_>>();
    // The header that all tokens share, and a segment that is a common word.
    let head = encode(&json!({"typ": "JWT", "alg": "HS256"}));
    let wrong: Vec<String> = all
        .iter()
        .flat_map(|(label, token)| parts(token).into_iter().map(move |part| (label, part)))
        .filter(|(_, part)| *part != head)
        .filter_map(|(label, part)| {
            let line = log.iter().find(|line| line.contains(&part))?;
            Some(format!("{label}: {:.300}", line))
        })
        .collect();
    println!("logs: {} lines for {} tokens", log.len(), all.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
