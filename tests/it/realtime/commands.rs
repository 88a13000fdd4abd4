//! Commands over sockets have the effects of the REST calls.

use serde_json::json;

use crate::harness::{ChatFixture, Socket, room_topic};

#[tokio::test]
async fn a_command_answers_what_the_rest_call_returns() {
    let world = ChatFixture::new();
    let topic = room_topic(world.nord);
    let mut chloe = Socket::open(&world.server, &world.server.user("chloe").token).await;
    chloe.join(&topic, json!({})).await;
    let send = json!({"client_id": world.nord, "content": "Bonjour",
        "client_message_id": "0198c0de-0000-7000-8000-00000000000c"});
    let (status, first) = chloe.request(&topic, "messaging:send", send.clone()).await;
    assert_eq!(status, "ok", "{first}");
    let (_, again) = chloe.request(&topic, "messaging:send", send).await;
    assert_eq!(again["id"], first["id"]);

    let mut emma = Socket::open(&world.server, &world.server.user("emma").token).await;
    emma.join(&topic, json!({})).await;
    let (status, read) = emma.request(&topic, "messaging:read", json!({"message_id": first["id"]})).await;
    assert_eq!((status.as_str(), &read["up_to_seq"], &read["unread_count"]), ("ok", &json!(1), &json!(0)));
}

#[tokio::test]
async fn a_broadcast_that_names_a_command_is_one_and_is_not_relayed() {
    let world = ChatFixture::new();
    let topic = room_topic(world.nord);
    let mut emma = Socket::open(&world.server, &world.server.user("emma").token).await;
    emma.join(&topic, json!({})).await;
    let mut chloe = Socket::open(&world.server, &world.server.user("chloe").token).await;
    let config = json!({"config": {"broadcast": {"ack": true}}});
    assert_eq!(chloe.request(&topic, "phx_join", config).await.0, "ok");
    let inner = json!({"client_id": world.nord, "content": "Bonjour"});
    let broadcast = json!({"type": "broadcast", "event": "messaging:send", "payload": inner});
    let (status, _) = chloe.request(&topic, "broadcast", broadcast).await;
    assert_eq!(status, "ok");
    emma.next_broadcast(&topic, "messaging:new").await;
    assert!(emma.frames_before_heartbeat().await.iter().all(|frame| !frame.is_broadcast("messaging:send")));
}

#[tokio::test]
async fn a_wrong_command_gets_the_refusal_of_a_body() {
    let world = ChatFixture::new();
    let topic = room_topic(world.nord);
    let mut chloe = Socket::open(&world.server, &world.server.user("chloe").token).await;
    chloe.join(&topic, json!({})).await;
    for (payload, code) in [
        (json!({"client_id": world.nord, "content": " "}), "VALIDATION_ERROR"),
        (json!({"content": "Bonjour"}), "VALIDATION_ERROR"),
        (json!({"client_id": world.nord, "content": "Bonjour", "surprise": 1}), "VALIDATION_ERROR"),
        (json!({"client_id": world.sud, "content": "Bonjour"}), "NOT_FOUND"),
        (json!({"to_user_id": world.server.user("emma").id, "content": "Bonjour"}), "FORBIDDEN"),
    ] {
        let (status, error) = chloe.request(&topic, "messaging:send", payload.clone()).await;
        assert_eq!((status.as_str(), error["code"].as_str()), ("error", Some(code)), "{payload} {error}");
    }
    assert_eq!(world.emma.get(&format!("/clients/{}/messages", world.nord)).await.data(), &json!([]));
}

#[tokio::test]
async fn nobody_can_forge_what_the_service_says() {
    let world = ChatFixture::new();
    let topic = room_topic(world.nord);
    let mut emma = Socket::open(&world.server, &world.server.user("emma").token).await;
    emma.join(&topic, json!({})).await;
    let mut chloe = Socket::open(&world.server, &world.server.user("chloe").token).await;
    chloe.join(&topic, json!({})).await;
    for name in ["messaging:new", "MESSAGING:NEW", "notify:new", "presence:update"] {
        let forged = json!({"type": "broadcast", "event": name, "payload": {"message": {"content": "faux"}}});
        chloe.push(&topic, "broadcast", forged).await;
    }
    let honest = json!({"type": "broadcast", "event": "cursor", "payload": {"x": 1}});
    chloe.push(&topic, "broadcast", honest).await;
    let frame = emma.next_where(|frame| frame.event == "broadcast").await;
    assert!(frame.is_broadcast("cursor"), "{frame:?}");
}
