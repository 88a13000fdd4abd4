//! A repeated request has the effect of one.

use std::time::Duration;

use guichet::web::idempotency;
use serde_json::json;

use super::fixture::DirectoryFixture;
use crate::harness::ApiResponse;

#[tokio::test]
async fn fifty_at_once_make_one_client() {
    let town = DirectoryFixture::new().await;
    let (clients, rooms) = (town.stand.count("clients"), town.stand.count("conversations"));
    let caller = town.owner.with_header("idempotency-key", "k-1");
    let body = json!({ "name": "Once" });
    let answers =
        futures_util::future::join_all((0..50).map(|_| caller.post("/clients", body.clone()))).await;
    let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert!(!made.is_empty());
    assert!(made.iter().all(|answer| answer.data() == made[0].data()), "one client, however often told");
    assert_eq!(made.iter().filter(|answer| answer.header("idempotent-replayed").is_empty()).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(answer.error(), (409, "REQUEST_IN_PROGRESS"));
        assert!(!answer.header("retry-after").is_empty());
    }
    assert_eq!(town.stand.count("clients"), clients + 1);
    assert_eq!(town.stand.count("conversations"), rooms + 1);
    let replay = caller.post("/clients", body).await;
    assert_eq!(replay.data(), made[0].data());
    assert_eq!(replay.header("idempotent-replayed"), "true");
}

#[tokio::test]
async fn a_key_is_for_one_body_one_route_and_one_person() {
    let town = DirectoryFixture::new().await;
    let caller = town.owner.with_header("idempotency-key", "k");
    caller.post("/clients", json!({ "name": "A", "details": { "x": 1, "y": 2 } })).await.data();
    let reordered = "{\"details\":{\"y\":2,\"x\":1},\"name\":\"A\"}";
    let request =
        caller.request(reqwest::Method::POST, "/clients").header("content-type", "application/json");
    let same = ApiResponse::receive(request.body(reordered)).await;
    assert_eq!(same.header("idempotent-replayed"), "true", "{}", same.body);
    let mismatch = (422, "IDEMPOTENCY_MISMATCH");
    assert_eq!(caller.post("/clients", json!({ "name": "B" })).await.error(), mismatch);
    assert_eq!(caller.post("/teams", json!({ "name": "A" })).await.error(), mismatch);
    let other =
        town.manager.with_header("idempotency-key", "k").post("/clients", json!({ "name": "B" })).await;
    assert_eq!(other.status, 201);
}

#[tokio::test]
async fn a_key_is_one_to_two_hundred_visible_characters() {
    let town = DirectoryFixture::new().await;
    for key in ["", "a b", "é", &"k".repeat(201)] {
        let answer =
            town.owner.with_header("idempotency-key", key).post("/teams", json!({ "name": "T" })).await;
        assert_eq!(answer.fault(), ("Idempotency-Key", "invalid"), "{key}");
    }
    let longest = town.owner.with_header("idempotency-key", "k".repeat(200));
    longest.post("/teams", json!({ "name": "T" })).await.data();
}

#[tokio::test]
async fn a_failure_is_not_kept() {
    let town = DirectoryFixture::new().await;
    let caller = town.owner.with_header("idempotency-key", "k");
    let wrong = json!({ "client_id": guichet_base::id::ClientId::new(), "name": "P" });
    assert_eq!(caller.post("/projects", wrong).await.fault(), ("client_id", "unknown_id"));
    caller.post("/projects", json!({ "client_id": town.client, "name": "P" })).await.data();
}

#[tokio::test]
async fn a_tenant_is_made_once_too() {
    let town = DirectoryFixture::new().await;
    let platform = town.stand.service("*", &["*"]).with_header("idempotency-key", "k");
    let body = json!({ "slug": "twice", "name": "Twice" });
    let first = platform.post("/tenants", body.clone()).await;
    let second = platform.post("/tenants", body.clone()).await;
    assert_eq!((second.status.as_u16(), second.data()), (201, first.data()));
    assert_eq!(second.header("idempotent-replayed"), "true");
    let other =
        town.stand.service("*", &["*"]).with_header("idempotency-key", "k2").post("/tenants", body).await;
    assert_eq!(other.error(), (409, "SLUG_TAKEN"));
}

#[tokio::test]
async fn keys_are_forgotten_after_a_day() {
    let town = DirectoryFixture::new().await;
    let caller = town.owner.with_header("idempotency-key", "k");
    caller.post("/teams", json!({ "name": "T" })).await.data();
    let (db, now) = (town.stand.db(), town.stand.clock.now());
    assert_eq!(idempotency::delete_older(db, now.minus(Duration::from_secs(3600))).await.unwrap(), 0);
    assert_eq!(idempotency::delete_older(db, now.plus(Duration::from_secs(3600))).await.unwrap(), 1);
    let again = caller.post("/teams", json!({ "name": "T" })).await;
    assert_eq!((again.status.as_u16(), again.header("idempotent-replayed")), (201, ""));
}
