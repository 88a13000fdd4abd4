//! Ephemeral signals reach the room and `user:{id}` of its recipients.

use serde_json::{Value, json};

use super::room::{history, nord_path};
use crate::harness::{ChatFixture, Socket};

/// A socket of `name` that joins only the topic of this person.
async fn open_on_person_topic(world: &ChatFixture, name: &str) -> Socket {
    let user = world.server.user(name);
    let mut socket = Socket::open(&world.server, &user.token).await;
    socket.join(&format!("realtime:user:{}", user.id), Value::Null).await;
    socket
}

async fn start_typing(world: &ChatFixture, by: &crate::harness::Api) {
    by.post(&format!("{}/typing", nord_path(world).await), json!({"typing": true})).await.data();
}

#[tokio::test]
async fn the_others_hear_who_types_and_that_it_ends_by_itself() {
    let world = ChatFixture::new();
    let mut emma = open_on_person_topic(&world, "emma").await;
    start_typing(&world, &world.chloe).await;
    let started = emma.next_where(|frame| frame.is_broadcast("messaging:typing")).await;
    let payload = &started.payload["payload"];
    assert_eq!(
        (&payload["user_id"], &payload["typing"]),
        (&json!(world.server.user("chloe").id), &json!(true))
    );
    let ended = emma.next_where(|frame| frame.is_broadcast("messaging:typing")).await;
    assert_eq!(ended.payload["payload"]["typing"], false);
}

#[tokio::test]
async fn whoever_types_does_not_hear_of_it() {
    let world = ChatFixture::new();
    let mut chloe = open_on_person_topic(&world, "chloe").await;
    start_typing(&world, &world.chloe).await;
    start_typing(&world, &world.emma).await;
    let first = chloe.next_where(|frame| frame.is_broadcast("messaging:typing")).await;
    assert_eq!(first.payload["payload"]["user_id"], json!(world.server.user("emma").id));
}

#[tokio::test]
async fn the_author_hears_that_a_message_was_delivered() {
    let world = ChatFixture::new();
    let mut chloe = open_on_person_topic(&world, "chloe").await;
    world.send_message(&world.chloe, "un").await;
    history(&world, &world.emma).await;
    let mark = chloe.next_where(|frame| frame.is_broadcast("messaging:delivered")).await;
    assert_eq!(mark.payload["payload"]["up_to_seq"], 1);
    assert_ne!(mark.payload["payload"]["delivered_at"], Value::Null);
}

#[tokio::test]
async fn whoever_no_longer_follows_hears_that_less_waits() {
    let world = ChatFixture::new();
    let path = format!("{}/follow", nord_path(&world).await);
    world.awa.put(&path, json!({})).await.data();
    let mut awa = open_on_person_topic(&world, "awa").await;
    world.send_message(&world.chloe, "un").await;
    world.awa.delete(&path).await.data();
    for total in [1, 0] {
        let counter = awa.next_where(|frame| frame.is_broadcast("messaging:unread")).await;
        assert_eq!(counter.payload["payload"]["total"], total);
    }
}
