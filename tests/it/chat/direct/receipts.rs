//! Delivered and read: by the other one.

use serde_json::{Value, json};

use super::super::room::word;
use super::{messages, path, topic, write};
use crate::harness::{Api, ChatFixture, Socket};

async fn until(by: &Api, path: &str, state: &str) -> Value {
    loop {
        let last = messages(by, path).await.pop().unwrap();
        if last["state"] == state {
            return last;
        }
        crate::harness::poll_interval().await;
    }
}

#[tokio::test]
async fn my_own_reading_reads_nothing_of_mine() {
    let world = ChatFixture::new();
    let path = path(&world, &world.emma, "karim").await;
    write(&world.emma, &path, "un").await.data();
    world.emma.post(&format!("{path}/read"), json!({})).await.data();
    assert_eq!(messages(&world.emma, &path).await[0]["state"], "sent");
}

#[tokio::test]
async fn fetching_delivers_and_reading_reads() {
    let world = ChatFixture::new();
    let path = path(&world, &world.emma, "karim").await;
    write(&world.emma, &path, "un").await.data();
    messages(&world.karim, &path).await;
    assert_eq!(until(&world.emma, &path, "delivered").await["read_at"], Value::Null);
    let state = world.karim.post(&format!("{path}/read"), json!({})).await.data().clone();
    assert_eq!((&state["up_to_seq"], &state["total"]), (&json!(1), &json!(0)));
    assert!(until(&world.emma, &path, "read").await["read_at"].is_string());
}

#[tokio::test]
async fn a_socket_that_hears_delivers_and_tells_the_author() {
    let world = ChatFixture::new();
    let path = path(&world, &world.emma, "karim").await;
    let topic = topic(&path);
    let mut karim = Socket::open(&world.server, &world.server.user("karim").token).await;
    karim.join(&topic, json!({})).await;
    let mut emma = Socket::open(&world.server, &world.server.user("emma").token).await;
    emma.join(&topic, json!({})).await;
    let said = write(&world.emma, &path, "un").await.data().clone();
    let (heard, meta) = karim.broadcast(&topic, "messaging:new").await;
    assert_eq!((&heard["message"]["id"], &meta["seq"]), (&said["id"], &json!(1)));
    let (delivered, _) = emma.broadcast(&topic, "messaging:delivered").await;
    assert_eq!(delivered["up_to_seq"], 1);
    let (status, _) = karim.ask(&topic, "messaging:read", json!({"message_id": said["id"]})).await;
    assert_eq!(status, "ok");
    let (read, meta) = emma.broadcast(&topic, "messaging:read").await;
    assert_eq!((&read["message_id"], &read["up_to_seq"], &meta["seq"]), (&said["id"], &json!(1), &json!(2)));
    assert_eq!(read["reader_id"], json!(world.server.user("karim").id));
}

#[tokio::test]
async fn a_reading_in_a_room_names_its_last_message_too() {
    let world = ChatFixture::new();
    world.say(&world.chloe, "un").await;
    let last = world.say(&world.chloe, "deux").await;
    let topic = crate::harness::room(world.nord);
    let mut chloe = Socket::open(&world.server, &world.server.user("chloe").token).await;
    chloe.join(&topic, json!({})).await;
    let path = format!("/conversations/{}/read", word(&last["conversation_id"]));
    world.emma.post(&path, json!({})).await.data();
    let (read, _) = chloe.broadcast(&topic, "messaging:read").await;
    assert_eq!((&read["message_id"], &read["up_to_seq"]), (&last["id"], &json!(2)));
}
