//! `user:{id}`: everything addressed to one person, from any topic.

use serde_json::json;

use crate::harness::{ChatFixture, Socket};

#[tokio::test]
async fn anothers_own_topic_is_refused() {
    let world = ChatFixture::new();
    let mut awa = Socket::open(&world.server, &world.server.user("awa").token).await;
    let topic = format!("realtime:user:{}", world.server.user("emma").id);
    assert_eq!(awa.request(&topic, "phx_join", json!({})).await.0, "error");
}

#[tokio::test]
async fn a_person_hears_their_rooms_and_their_counters() {
    let world = ChatFixture::new();
    let emma = world.server.user("emma");
    let topic = format!("realtime:user:{}", emma.id);
    let mut socket = Socket::open(&world.server, &emma.token).await;
    let joined = socket.join(&topic, json!({})).await;
    assert!(joined["last_seq"].is_null(), "the merge has no numbers of its own");

    let said = world.send_message(&world.chloe, "Bonjour").await;
    let (payload, meta) = socket.next_broadcast(&topic, "messaging:new").await;
    assert_eq!(payload["message"]["id"], said["id"]);
    assert_eq!((&meta["topic"], &meta["seq"]), (&json!(format!("chat:room:{}", world.nord)), &json!(1)));
    let (unread, _) = socket.next_broadcast(&topic, "messaging:unread").await;
    assert_eq!((unread["unread_count"].as_i64(), unread["total"].as_i64()), (Some(1), Some(1)));

    let path = format!("/conversations/{}/read", said["conversation_id"].as_str().unwrap());
    world.emma.post(&path, json!({})).await.data();
    let (unread, _) = socket.next_broadcast(&topic, "messaging:unread").await;
    assert_eq!((unread["unread_count"].as_i64(), unread["total"].as_i64()), (Some(0), Some(0)));
}

#[tokio::test]
async fn who_is_not_told_of_a_room_does_not_hear_it() {
    let world = ChatFixture::new();
    let mut sockets = Vec::new();
    for name in ["awa", "karim", "bruno"] {
        let user = world.server.user(name);
        let mut socket = Socket::open(&world.server, &user.token).await;
        socket.join(&format!("realtime:user:{}", user.id), json!({})).await;
        sockets.push(socket);
    }
    world.send_message(&world.chloe, "Bonjour").await;
    for socket in &mut sockets {
        assert!(socket.frames_before_heartbeat().await.is_empty());
    }
}

#[tokio::test]
async fn a_join_tells_which_rooms_moved_meanwhile() {
    let world = ChatFixture::new();
    let emma = world.server.user("emma");
    let before = world.server.clock.now();
    world.send_message(&world.chloe, "Bonjour").await;
    let mut socket = Socket::open(&world.server, &emma.token).await;
    let topic = format!("realtime:user:{}", emma.id);
    let payload = json!({"config": {"broadcast": {"replay": {"after": before.minus(std::time::Duration::from_secs(1))}}}});
    let (status, response) = socket.request(&topic, "phx_join", payload).await;
    assert_eq!(status, "ok");
    assert_eq!(response["conversations"], json!([{"topic": format!("chat:room:{}", world.nord), "head": 1}]));
}
