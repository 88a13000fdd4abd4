//! Tokens: their sources, renewal, expiry.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use super::clients::{ROOM, TestProcess};
use super::fakes::{TENANT, user};
use crate::wire::Dialect;

#[tokio::test(start_paused = true)]
async fn another_persons_token_is_refused_while_channels_are_open() {
    let desk = TestProcess::new();
    let mut client = desk.awa();
    client.join(ROOM, json!({})).await;
    let refused = client.join_with("realtime:chat:room:2", json!({"access_token": "emma"})).await;
    assert!(refused.response()["reason"].as_str().unwrap().starts_with("FORBIDDEN"));
    client.push(ROOM, "access_token", json!({"access_token": "emma"}));
    let ended = client.next().await;
    assert_eq!((ended.event.as_str(), ended.topic.as_str()), ("phx_error", ROOM));
    client.nothing().await;
    assert!(!desk.hub.is_online(TENANT, user("emma")));
}

#[tokio::test(start_paused = true)]
async fn an_api_key_counts_as_no_token_and_the_connection_answers_for_the_join() {
    let desk = TestProcess::new();
    let mut client = desk.connect(Dialect::V2, &["bad", "awa"]);
    let joined = client.join_with(ROOM, json!({"config": {}, "access_token": "sb_publishable_1"})).await;
    assert_eq!(joined.status(), "ok");
    assert!(desk.hub.is_online(TENANT, user("awa")));
}

#[tokio::test(start_paused = true)]
async fn a_first_join_without_a_token_fails_and_the_next_one_with_it_succeeds() {
    let desk = TestProcess::new();
    let mut client = desk.connect(Dialect::V2, &[]);
    assert_eq!(client.join(ROOM, json!({})).await.status(), "error");
    assert_eq!(client.join_with(ROOM, json!({"config": {}, "access_token": "awa"})).await.status(), "ok");
}

#[tokio::test(start_paused = true)]
async fn one_token_is_verified_once() {
    let desk = TestProcess::new();
    let mut client = desk.awa();
    for room in 0..20 {
        client.join_with(&format!("realtime:chat:room:{room}"), json!({"access_token": "awa"})).await;
    }
    client.push(ROOM, "access_token", json!({"access_token": "awa"}));
    client.push(ROOM, "access_token", json!({"access_token": null}));
    client.nothing().await;
    assert_eq!(desk.backend.authenticated.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_announced_to_end_and_its_end_ends_the_channels() {
    let desk = TestProcess::new();
    let end = desk.clock.now().as_millis() + 120_000;
    let mut client = desk.connect(Dialect::V1, &[&format!("awa@{end}")]);
    client.join(ROOM, json!({})).await;
    desk.clock.advance(Duration::from_secs(61));
    tokio::time::advance(Duration::from_secs(61)).await;
    let notice = client.next().await;
    assert_eq!((notice.event.as_str(), &notice.payload["status"]), ("system", &json!("ok")));
    for key in ["extension", "message", "channel"] {
        assert!(notice.payload[key].is_string(), "{key}");
    }
    client.nothing().await;
    desk.clock.advance(Duration::from_secs(60));
    tokio::time::advance(Duration::from_secs(60)).await;
    let ended = client.next().await;
    assert_eq!(ended.event, "phx_error");
    assert!(ended.payload["reason"].as_str().unwrap().starts_with("TOKEN_EXPIRED: Your session"));
    assert!(!desk.hub.is_online(TENANT, user("awa")));
    assert_eq!(client.join(ROOM, json!({})).await.status(), "error");
    let late = json!({"access_token": format!("awa@{end}")});
    assert_eq!(client.join_with(ROOM, late).await.status(), "error");
    assert_eq!(client.join_with(ROOM, json!({"access_token": "awa"})).await.status(), "ok");
}

#[tokio::test(start_paused = true)]
async fn a_token_renewed_in_place_keeps_the_channels() {
    let desk = TestProcess::new();
    let end = desk.clock.now().as_millis() + 120_000;
    let mut client = desk.connect(Dialect::V2, &[&format!("awa@{end}")]);
    client.join(ROOM, json!({})).await;
    client.push(ROOM, "access_token", json!({"access_token": format!("awa@{}", end + 3_600_000)}));
    client.nothing().await;
    desk.clock.advance(Duration::from_secs(130));
    tokio::time::advance(Duration::from_secs(50)).await;
    client.nothing().await;
    desk.say("still here");
    assert_eq!(client.next().await.seq(), 1);
}
