//! Delivered and read marks: set by the other person of the conversation.

use serde_json::{Value, json};

use super::super::room::expect_str;
use super::{direct_path, direct_topic, fetch_messages, send_message};
use crate::harness::{Api, ChatFixture, Socket};

async fn wait_for_state(by: &Api, path: &str, state: &str) -> Value {
    loop {
        let last = fetch_messages(by, path).await.pop().unwrap();
        if last["state"] == state {
            return last;
        }
        crate::harness::pause_between_polls().await;
    }
}

#[tokio::test]
async fn my_own_reading_reads_nothing_of_mine() {
    let world = ChatFixture::new();
    let path = direct_path(&world, &world.emma, "karim").await;
    send_message(&world.emma, &path, "un").await.data();
    world.emma.post(&format!("{path}/read"), json!({})).await.data();
    assert_eq!(fetch_messages(&world.emma, &path).await[0]["state"], "sent");
}

#[tokio::test]
async fn fetching_delivers_and_reading_reads() {
    let world = ChatFixture::new();
    let path = direct_path(&world, &world.emma, "karim").await;
    send_message(&world.emma, &path, "un").await.data();
    fetch_messages(&world.karim, &path).await;
    assert_eq!(wait_for_state(&world.emma, &path, "delivered").await["read_at"], Value::Null);
    let state = world.karim.post(&format!("{path}/read"), json!({})).await.data().clone();
    assert_eq!((&state["up_to_seq"], &state["total"]), (&json!(1), &json!(0)));
    assert!(wait_for_state(&world.emma, &path, "read").await["read_at"].is_string());
}

#[tokio::test]
async fn a_socket_that_hears_delivers_and_tells_the_author() {
    let world = ChatFixture::new();
    let path = direct_path(&world, &world.emma, "karim").await;
    let topic = direct_topic(&path);
    let mut karim = Socket::open(&world.server, &world.server.user("karim").token).await;
    karim.join(&topic, json!({})).await;
    let mut emma = Socket::open(&world.server, &world.server.user("emma").token).await;
    emma.join(&topic, json!({})).await;
    let sent = send_message(&world.emma, &path, "un").await.data().clone();
    let (received, meta) = karim.next_broadcast(&topic, "messaging:new").await;
    assert_eq!((&received["message"]["id"], &meta["seq"]), (&sent["id"], &json!(1)));
    let (delivered, _) = emma.next_broadcast(&topic, "messaging:delivered").await;
    assert_eq!(delivered["up_to_seq"], 1);
    let (status, _) = karim.request(&topic, "messaging:read", json!({"message_id": sent["id"]})).await;
    assert_eq!(status, "ok");
    let (read, meta) = emma.next_broadcast(&topic, "messaging:read").await;
    assert_eq!((&read["message_id"], &read["up_to_seq"], &meta["seq"]), (&sent["id"], &json!(1), &json!(2)));
    assert_eq!(read["reader_id"], json!(world.server.user("karim").id));
}

#[tokio::test]
async fn a_reading_in_a_room_names_its_last_message_too() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "un").await;
    let last = world.send_message(&world.chloe, "deux").await;
    let topic = crate::harness::room_topic(world.nord);
    let mut chloe = Socket::open(&world.server, &world.server.user("chloe").token).await;
    chloe.join(&topic, json!({})).await;
    let path = format!("/conversations/{}/read", expect_str(&last["conversation_id"]));
    world.emma.post(&path, json!({})).await.data();
    let (read, _) = chloe.next_broadcast(&topic, "messaging:read").await;
    assert_eq!((&read["message_id"], &read["up_to_seq"]), (&last["id"], &json!(2)));
}
