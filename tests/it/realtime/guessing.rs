//! Attempts without valid tokens count for the address.

use serde_json::json;

use crate::harness::{ChatFixture, Socket, TestServer, room_topic};

fn strict() -> ChatFixture {
    ChatFixture::on_server(TestServer::start_with(&[
        ("RATE_LIMIT_ANON_RPS", "1"),
        ("RATE_LIMIT_ANON_BURST", "3"),
    ]))
}

async fn reason(socket: &mut Socket, topic: &str, token: &str) -> String {
    let (status, response) = socket.request(topic, "phx_join", json!({"access_token": token})).await;
    assert_eq!(status, "error", "{response}");
    let reason = response["reason"].as_str().unwrap();
    reason.split(':').next().unwrap().to_owned()
}

#[tokio::test]
async fn guessing_tokens_is_slow_and_a_valid_one_is_taken_all_the_same() {
    let world = strict();
    let topic = room_topic(world.nord);
    let mut socket = Socket::open(&world.server, "").await;
    // No token, or an API key, is not a guess.
    for harmless in ["", "sb_publishable_1"].repeat(5) {
        assert_eq!(reason(&mut socket, &topic, harmless).await, "UNAUTHENTICATED");
    }
    let mut reasons = Vec::new();
    for guess in 0..8 {
        reasons.push(reason(&mut socket, &topic, &format!("guess-{guess}")).await);
    }
    assert_eq!(reasons[..3], ["UNAUTHENTICATED"; 3]);
    assert!(reasons[3..].iter().any(|reason| reason == "RATE_LIMITED"), "{reasons:?}");
    let valid = json!({"access_token": world.server.user("emma").token});
    assert_eq!(socket.request(&topic, "phx_join", valid).await.0, "ok");
}

#[tokio::test]
async fn trying_paths_outside_the_api_is_slow() {
    let world = strict();
    let mut answers = Vec::new();
    for number in 0..8 {
        let url = format!("{}/nowhere/{number}", world.server.url);
        answers.push(reqwest::get(url).await.unwrap().status().as_u16());
    }
    assert_eq!(answers[..3], [404; 3]);
    assert!(answers[3..].contains(&429), "{answers:?}");
    assert_eq!(reqwest::get(format!("{}/healthz", world.server.url)).await.unwrap().status(), 200);
    world.emma.get("/me").await.data();
}
