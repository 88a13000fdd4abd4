//! A room's topic: its subscribers and events.

use serde_json::json;

use crate::harness::{ChatFixture, Socket, room_topic};

#[tokio::test]
async fn a_foreign_room_is_refused_and_the_attempt_is_kept() {
    let world = ChatFixture::new();
    for stranger in ["bruno", "karim"] {
        let mut socket = Socket::open(&world.server, &world.server.user(stranger).token).await;
        let (status, response) = socket.request(&room_topic(world.nord), "phx_join", json!({})).await;
        assert_eq!(status, "error");
        assert!(response["reason"].as_str().is_some_and(|r| r.starts_with("FORBIDDEN: ")), "{response}");
        world.send_message(&world.chloe, "Bonjour").await;
        assert!(
            socket.frames_before_heartbeat().await.iter().all(|frame| frame.topic != room_topic(world.nord))
        );
    }
    assert_eq!(world.activity_count("forbidden_attempt"), 2);
}

#[tokio::test]
async fn a_topic_that_is_none_is_refused() {
    let world = ChatFixture::new();
    let mut socket = Socket::open(&world.server, &world.server.user("awa").token).await;
    for topic in ["realtime:nowhere", "realtime:chat:room:x", "realtime:", "user:"] {
        let (status, _) = socket.request(topic, "phx_join", json!({})).await;
        assert_eq!(status, "error", "{topic}");
    }
}

#[tokio::test]
async fn both_sides_hear_every_change_numbered_without_holes() {
    let world = ChatFixture::new();
    let topic = room_topic(world.nord);
    let mut emma = Socket::open(&world.server, &world.server.user("emma").token).await;
    let mut chloe = Socket::open(&world.server, &world.server.user("chloe").token).await;
    assert_eq!(emma.join(&topic, json!({})).await["last_seq"], 0);
    chloe.join(&topic, json!({})).await;

    let said = world.send_message(&world.chloe, "Bonjour").await;
    let id = said["id"].as_str().unwrap();
    world
        .emma
        .post(&format!("/conversations/{}/read", said["conversation_id"].as_str().unwrap()), json!({}))
        .await;
    world.chloe.patch(&format!("/messages/{id}"), json!({"content": "Bonsoir"})).await.data();
    world.chloe.delete(&format!("/messages/{id}")).await.data();

    for socket in [&mut emma, &mut chloe] {
        let mut seen = Vec::new();
        for name in ["messaging:new", "messaging:read", "messaging:updated", "messaging:deleted"] {
            let (payload, meta) = socket.next_broadcast(&topic, name).await;
            seen.push(meta["seq"].as_i64().unwrap());
            match name {
                "messaging:new" => assert_eq!(payload["message"]["content"], "Bonjour"),
                "messaging:updated" => assert_eq!(payload["message"]["content"], "Bonsoir"),
                "messaging:deleted" => assert!(payload["message"]["content"].is_null()),
                _ => assert_eq!(payload["reader_id"], json!(world.server.user("emma").id)),
            }
        }
        assert_eq!(seen, [1, 2, 3, 4]);
    }
}

#[tokio::test]
async fn a_recipients_device_makes_a_message_delivered() {
    let world = ChatFixture::new();
    let topic = room_topic(world.nord);
    let mut emma = Socket::open(&world.server, &world.server.user("emma").token).await;
    let mut chloe = Socket::open(&world.server, &world.server.user("chloe").token).await;
    emma.join(&topic, json!({})).await;
    chloe.join(&topic, json!({})).await;
    let said = world.send_message(&world.chloe, "Bonjour").await;
    assert_eq!(said["state"], "sent");
    let (payload, meta) = chloe.next_broadcast(&topic, "messaging:delivered").await;
    assert_eq!(payload["up_to_seq"], 1);
    assert!(meta["seq"].is_null(), "delivered marks are not numbered");
    let history = world.chloe.get(&format!("/clients/{}/messages", world.nord)).await;
    assert_eq!(history.data()[0]["state"], "delivered");
}

#[tokio::test]
async fn typing_is_told_and_ends_by_itself() {
    let world = ChatFixture::new();
    let topic = room_topic(world.nord);
    let mut chloe = Socket::open(&world.server, &world.server.user("chloe").token).await;
    chloe.join(&topic, json!({})).await;
    let room = world.emma.post("/conversations", json!({"client_id": world.nord})).await.data()["id"].clone();
    let path = format!("/conversations/{}/typing", room.as_str().unwrap());
    world.emma.post(&path, json!({"typing": true})).await.data();
    for typing in [true, false] {
        let (payload, meta) = chloe.next_broadcast(&topic, "messaging:typing").await;
        assert_eq!(payload["typing"], typing);
        assert_eq!(payload["user_id"], json!(world.server.user("emma").id));
        assert!(meta["seq"].is_null());
    }
}

#[tokio::test]
async fn somebody_online_changes_what_a_member_is_told() {
    let world = ChatFixture::new();
    let away = world.send_message(&world.chloe, "Bonjour").await;
    assert_eq!(away["counterpart"]["status"], "offline");
    assert_eq!(away["counterpart"]["message"], "Emma Laurent vous répondra dès que possible.");
    let mut emma = Socket::open(&world.server, &world.server.user("emma").token).await;
    emma.frames_before_heartbeat().await;
    let there = world.send_message(&world.chloe, "Vous êtes là ?").await;
    assert_eq!(there["counterpart"], json!({"status": "online", "last_seen": null, "message": null}));
}

#[tokio::test]
async fn coming_and_going_are_written_down() {
    let world = ChatFixture::new();
    let mut emma = Socket::open(&world.server, &world.server.user("emma").token).await;
    emma.frames_before_heartbeat().await;
    world.wait_for_activity("ws.connect", 1).await;
    drop(emma);
    world.wait_for_activity("ws.disconnect", 1).await;
}
