//! A feed is visible to its owner only.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{act, tell, unread};
use crate::harness::ChatFixture;
use crate::notifications::rows;

const DEEDS: [&str; 6] = ["ack", "read", "archive", "unarchive", "snooze", ""];

fn request(id: &str, deed: &str) -> (Method, String, Value) {
    let path = format!("/notifications/{id}/{deed}");
    match deed {
        "" => (Method::DELETE, format!("/notifications/{id}"), Value::Null),
        "snooze" => (Method::POST, path, json!({"minutes": 5})),
        _ => (Method::POST, path, json!({})),
    }
}

#[tokio::test]
async fn nobody_else_sees_a_notification_or_changes_it() {
    let world = ChatFixture::new();
    let id = tell(&world, "Relire").await;
    let before = world.emma.get(&format!("/notifications/{id}")).await.data().clone();
    let stranger = Uuid::now_v7().to_string();
    for by in [&world.awa, &world.denis, &world.karim, &world.chloe] {
        assert_eq!(by.get(&format!("/notifications/{id}")).await.error(), (404, "NOT_FOUND"));
        for deed in DEEDS {
            for id in [&id, &stranger] {
                let (method, path, body) = request(id, deed);
                assert_eq!(by.send(method, &path, &body).await.error(), (404, "NOT_FOUND"), "{deed}");
            }
        }
        let answer = by.put(&format!("/notifications/{id}/read"), json!({})).await;
        assert_eq!(answer.error(), (404, "NOT_FOUND"));
        let answer = by.post("/notifications/read", json!({"ids": [id]})).await;
        assert_eq!(answer.fault(), ("ids[0]", "unknown_id"));
        by.post("/notifications/read", json!({"until": "2030-01-01T00:00:00.000Z"})).await.data();
        assert!(by.get("/notifications?status=all").await.data().as_array().unwrap().is_empty());
    }
    assert_eq!(world.emma.get(&format!("/notifications/{id}")).await.data(), &before);
    assert_eq!(unread(&world, &world.emma).await, 1);
}

#[tokio::test]
async fn a_service_token_has_no_feed_and_nobody_unknown_has_one() {
    let world = ChatFixture::new();
    let id = tell(&world, "Relire").await;
    for path in ["/notifications", "/notifications/unread", &format!("/notifications/{id}")] {
        assert_eq!(world.service.get(path).await.error(), (403, "FORBIDDEN"), "{path}");
        assert_eq!(world.anonymous.get(path).await.status, StatusCode::UNAUTHORIZED);
    }
    for deed in DEEDS {
        let (method, path, body) = request(&id, deed);
        assert_eq!(world.service.send(method.clone(), &path, &body).await.error(), (403, "FORBIDDEN"));
        assert_eq!(world.anonymous.send(method, &path, &body).await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn with_the_feature_off_every_endpoint_says_so() {
    let world = ChatFixture::new();
    let id = tell(&world, "Relire").await;
    let updated_at = world.awa.get("/tenant").await.data()["updated_at"].clone();
    let change = json!({"settings": {"features": {"notifications": false}}, "updated_at": updated_at});
    world.awa.patch("/tenant", change).await.data();
    let off = (403, "FEATURE_DISABLED");
    for path in ["/notifications", "/notifications/unread", &format!("/notifications/{id}")] {
        assert_eq!(world.emma.get(path).await.error(), off, "{path}");
    }
    for deed in DEEDS {
        let (method, path, body) = request(&id, deed);
        assert_eq!(world.emma.send(method, &path, &body).await.error(), off, "{deed}");
    }
    assert_eq!(world.emma.post("/notifications/read", json!({"ids": [id]})).await.error(), off);
    assert_eq!(world.awa.get("/notifications/analytics").await.error(), off);
}

#[tokio::test]
async fn what_is_there_for_its_deliveries_alone_is_in_no_feed() {
    let world = ChatFixture::new();
    let id = tell(&world, "Relire").await;
    rows::run(&world.server, "UPDATE notifications SET visible = false");
    rows::run(&world.server, "UPDATE notification_feeds SET unread = 0");
    assert_eq!(world.emma.get(&format!("/notifications/{id}")).await.error(), (404, "NOT_FOUND"));
    assert_eq!(act(&world.emma, &id, "ack").await.error(), (404, "NOT_FOUND"));
    let answer = world.emma.post("/notifications/read", json!({"ids": [id]})).await;
    assert_eq!(answer.fault(), ("ids[0]", "unknown_id"));
    assert!(world.emma.get("/notifications?status=all").await.data().as_array().unwrap().is_empty());
    assert_eq!(unread(&world, &world.emma).await, 0);
}
