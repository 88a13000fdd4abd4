//! Broadcasts over HTTP follow the rules of those over sockets.

use reqwest::{Client, Method, StatusCode, header};
use serde_json::{Value, json};

use crate::harness::{ChatFixture, Socket, TestServer, room_topic};

const BATCH: &str = "/realtime/v1/api/broadcast";

fn one(world: &ChatFixture, event: &str) -> String {
    format!("{BATCH}/chat%3Aroom%3A{}/events/{event}", world.nord)
}

fn http() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().unwrap()
}

/// A POST of `name`, with a bearer token: status and body.
async fn post(world: &ChatFixture, name: &str, path: &str, body: Value) -> (u16, Value) {
    let request =
        http().post(format!("{}{path}", world.server.url)).bearer_auth(&world.server.user(name).token);
    sent(request.json(&body)).await
}

async fn sent(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let bytes = response.bytes().await.unwrap();
    assert!(status != 202 || bytes.is_empty(), "a body with 202");
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

async fn joined(world: &ChatFixture, name: &str) -> Socket {
    let mut socket = Socket::open(&world.server, &world.server.user(name).token).await;
    socket.join(&room_topic(world.nord), json!({})).await;
    socket
}

fn message(world: &ChatFixture, event: &str, payload: Value) -> Value {
    json!({"topic": format!("chat:room:{}", world.nord), "event": event, "payload": payload, "private": true})
}

#[tokio::test]
async fn nobody_without_the_right_to_a_topic_is_heard_there() {
    let world = ChatFixture::new();
    let mut emma = joined(&world, "emma").await;
    let (status, body) = post(&world, "bruno", &one(&world, "cursor"), json!({"x": 1})).await;
    assert_eq!((status, &body["code"]), (403, &json!("FORBIDDEN")));
    assert!(
        body["error"].as_str().unwrap().starts_with("FORBIDDEN: ") && body["message"].is_string(),
        "{body}"
    );
    // A batch silently skips broadcasts that its sender may not send, as in Supabase.
    let batch = json!({"messages": [message(&world, "cursor", json!({"x": 2}))]});
    assert_eq!(post(&world, "bruno", BATCH, batch.clone()).await.0, 202);
    let unsigned = http().post(format!("{}{BATCH}", world.server.url)).json(&batch);
    let (status, body) = sent(unsigned).await;
    assert_eq!((status, &body["code"]), (401, &json!("UNAUTHENTICATED")));
    let forged = http().post(format!("{}{BATCH}", world.server.url)).bearer_auth("forged").json(&batch);
    assert_eq!(sent(forged).await.0, 401);
    let service =
        http().post(format!("{}{BATCH}", world.server.url)).bearer_auth(&world.server.demo.service_token);
    assert_eq!(sent(service.json(&batch)).await.0, 403);
    assert!(world.activity_count("forbidden_attempt") >= 1);
    post(&world, "chloe", &one(&world, "cursor"), json!({"x": 3})).await;
    let (heard, _) = emma.next_broadcast(&room_topic(world.nord), "cursor").await;
    assert_eq!(heard, json!({"x": 3}));
}

#[tokio::test]
async fn a_broadcast_is_heard_by_all_the_senders_own_sockets_too() {
    let world = ChatFixture::new();
    let topic = room_topic(world.nord);
    let (mut emma, mut chloe) = (joined(&world, "emma").await, joined(&world, "chloe").await);
    assert_eq!(post(&world, "chloe", &one(&world, "cur%20sor?private=true"), json!({"x": "é"})).await.0, 202);
    let batch =
        json!({"messages": [message(&world, "b1", json!({"n": 1})), message(&world, "b2", json!({"n": 2}))]});
    assert_eq!(post(&world, "chloe", BATCH, batch).await.0, 202);
    for socket in [&mut emma, &mut chloe] {
        let (payload, meta) = socket.next_broadcast(&topic, "cur sor").await;
        assert_eq!((payload, meta), (json!({"x": "é"}), Value::Null));
        assert_eq!(socket.next_broadcast(&topic, "b1").await.0, json!({"n": 1}));
        assert_eq!(socket.next_broadcast(&topic, "b2").await.0, json!({"n": 2}));
    }
}

#[tokio::test]
async fn the_token_may_stand_where_these_clients_put_it() {
    let world = ChatFixture::new();
    let token = &world.server.user("chloe").token;
    let url = format!("{}{}", world.server.url, one(&world, "cursor"));
    let body = json!({"x": 1});
    for request in [
        http().post(&url).header("apikey", token),
        http().post(&url).header("x-api-key", token),
        http().post(format!("{url}?apikey={token}&vsn=2.0.0")),
        http().post(&url).bearer_auth("sb_publishable_demo").header("apikey", token),
        http().post(&url).bearer_auth(token).header("apikey", "sb_publishable_demo"),
    ] {
        assert_eq!(sent(request.json(&body)).await.0, 202);
    }
    let mixed = http().post(&url).bearer_auth("forged").header("apikey", token);
    assert_eq!(sent(mixed.json(&body)).await.0, 401, "a wrong bearer is not mended by an API key");
}

#[tokio::test]
async fn what_the_service_says_nobody_else_says_and_commands_are_commands() {
    let world = ChatFixture::new();
    let topic = room_topic(world.nord);
    let mut emma = joined(&world, "emma").await;
    for name in ["messaging:new", "MESSAGING:NEW", "notify:new", "phx_close"] {
        assert_eq!(post(&world, "chloe", &one(&world, name), json!({})).await.0, 403, "{name}");
        let batch = json!({"messages": [message(&world, name, json!({}))]});
        assert_eq!(post(&world, "chloe", BATCH, batch).await.0, 202, "{name}");
    }
    let send = json!({"client_id": world.nord, "content": "par HTTP"});
    assert_eq!(post(&world, "chloe", &one(&world, "messaging:send"), send).await.0, 202);
    let wrong = json!({"messages": [message(&world, "messaging:send", json!({"client_id": world.nord, "content": " "}))]});
    let (status, body) = post(&world, "chloe", BATCH, wrong).await;
    assert_eq!(
        (status, &body["code"]),
        (422, &json!("VALIDATION_ERROR")),
        "a send is never dropped in silence"
    );
    let foreign = json!({"messages": [message(&world, "messaging:send", json!({"client_id": world.sud, "content": "x"}))]});
    assert_eq!(post(&world, "chloe", BATCH, foreign).await.1["code"], "NOT_FOUND");
    let (heard, meta) = emma.next_broadcast(&topic, "messaging:new").await;
    assert_eq!((&heard["message"]["content"], &meta["seq"]), (&json!("par HTTP"), &json!(1)));
    assert!(emma.frames_before_heartbeat().await.iter().all(|frame| !frame.is_broadcast("messaging:new")));
}

#[tokio::test]
async fn wrong_requests_are_refused_in_the_shape_these_clients_read() {
    let world = ChatFixture::new();
    let token = &world.server.user("chloe").token;
    let url = |path: &str| format!("{}{path}", world.server.url);
    let signed = |path: &str| http().post(url(path)).bearer_auth(token);
    let json_text = |path: &str, text: &'static str| {
        signed(path).header(header::CONTENT_TYPE, "application/json").body(text)
    };
    let single = one(&world, "cursor");
    let many = json!({"messages": vec![message(&world, "x", json!({})); 101]});
    let large = json!({"x": "y".repeat(70_000)});
    let long = one(&world, &"e".repeat(256));
    let unknown = format!("{BATCH}/nowhere/events/x");
    for (request, status, code) in [
        (json_text(BATCH, "{"), 400, "MALFORMED_JSON"),
        (json_text(BATCH, "[]"), 422, "VALIDATION_ERROR"),
        (json_text(BATCH, r#"{"messages": {}}"#), 422, "VALIDATION_ERROR"),
        (json_text(BATCH, r#"{"messages": []}"#), 422, "VALIDATION_ERROR"),
        (json_text(BATCH, r#"{"messages": [{"event": "x"}]}"#), 422, "VALIDATION_ERROR"),
        (json_text(BATCH, r#"{"messages": [{"topic": "", "event": "x"}]}"#), 422, "VALIDATION_ERROR"),
        (signed(BATCH).json(&many), 422, "VALIDATION_ERROR"),
        (signed(BATCH).body("x"), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (signed(&single).body("x"), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (json_text(&single, ""), 400, "MALFORMED_JSON"),
        (json_text(&single, r#"{"x": "\ud800"}"#), 422, "VALIDATION_ERROR"),
        (signed(&single).json(&large), 413, "PAYLOAD_TOO_LARGE"),
        (signed(&long).json(&json!({})), 422, "VALIDATION_ERROR"),
        (signed(&unknown).json(&json!({})), 403, "FORBIDDEN"),
    ] {
        let (got, body) = sent(request).await;
        assert_eq!((got, body["code"].as_str()), (status, Some(code)), "{body}");
        assert!(body["error"].is_string() && body["message"].is_string(), "{body}");
    }
    assert_eq!(http().get(url(BATCH)).send().await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_slash_inside_a_topic_is_part_of_its_name() {
    let world = ChatFixture::new();
    // Decoded as data, it is an unknown topic; a 404 would mean an unknown route.
    let path = format!("{BATCH}/chat%3Aroom%3A{}%2F1/events/e%2Fv", world.nord);
    assert_eq!(post(&world, "chloe", &path, json!({})).await.0, 403);
    let mut emma = joined(&world, "emma").await;
    assert_eq!(post(&world, "chloe", &one(&world, "e%2Fv"), json!({"x": 1})).await.0, 202);
    assert_eq!(emma.next_broadcast(&room_topic(world.nord), "e/v").await.0, json!({"x": 1}));
    let prefixed = format!("{BATCH}/realtime%3Achat%3Aroom%3A{}/events/old", world.nord);
    assert_eq!(post(&world, "chloe", &prefixed, json!({"x": 2})).await.0, 202);
    emma.next_broadcast(&room_topic(world.nord), "old").await;
}

#[tokio::test]
async fn requests_count_against_the_limits_of_rest() {
    let world = ChatFixture::on_server(TestServer::start_with(&[("RATE_LIMIT_RPS", "1")]));
    let mut refused = None;
    for _ in 0..200 {
        let (status, body) = post(&world, "chloe", &one(&world, "cursor"), json!({})).await;
        if status != 202 {
            refused = Some((status, body["code"].clone()));
            break;
        }
    }
    assert_eq!(refused, Some((429, json!("RATE_LIMITED"))));
}

#[tokio::test]
async fn browsers_of_a_welcome_page_may_ask() {
    let world = ChatFixture::on_server(TestServer::start_with(&[("CORS_ORIGINS", "https://app.example")]));
    let url = format!("{}{}", world.server.url, one(&world, "cursor"));
    let preflight = |origin: &str| {
        http()
            .request(Method::OPTIONS, &url)
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "authorization,apikey,x-api-key,content-type,x-client-info",
            )
    };
    let welcome = preflight("https://app.example").send().await.unwrap();
    assert!(welcome.status().is_success());
    assert_eq!(welcome.headers()["access-control-allow-origin"], "https://app.example");
    let foreign = preflight("https://evil.example").send().await.unwrap();
    assert!(!foreign.headers().contains_key("access-control-allow-origin"));
    let refused =
        http().post(&url).header("origin", "https://app.example").json(&json!({})).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(refused.headers()["access-control-allow-origin"], "https://app.example");
}
