//! Ephemeral signals reach the room and `user:{id}` of its recipients.

use serde_json::{Value, json};

use super::room::{history, nord};
use crate::harness::{ChatFixture, Socket};

/// A device of `name` that joins only the person's own topic.
async fn own_device(world: &ChatFixture, name: &str) -> Socket {
    let user = world.server.user(name);
    let mut socket = Socket::open(&world.server, &user.token).await;
    socket.join(&format!("realtime:user:{}", user.id), Value::Null).await;
    socket
}

async fn types(world: &ChatFixture, by: &crate::harness::Api) {
    by.post(&format!("{}/typing", nord(world).await), json!({"typing": true})).await.data();
}

#[tokio::test]
async fn the_others_hear_who_types_and_that_it_ends_by_itself() {
    let world = ChatFixture::new();
    let mut emma = own_device(&world, "emma").await;
    types(&world, &world.chloe).await;
    let began = emma.next_where(|frame| frame.is("messaging:typing")).await;
    let payload = &began.payload["payload"];
    assert_eq!(
        (&payload["user_id"], &payload["typing"]),
        (&json!(world.server.user("chloe").id), &json!(true))
    );
    let ended = emma.next_where(|frame| frame.is("messaging:typing")).await;
    assert_eq!(ended.payload["payload"]["typing"], false);
}

#[tokio::test]
async fn whoever_types_does_not_hear_of_it() {
    let world = ChatFixture::new();
    let mut chloe = own_device(&world, "chloe").await;
    types(&world, &world.chloe).await;
    types(&world, &world.emma).await;
    let first = chloe.next_where(|frame| frame.is("messaging:typing")).await;
    assert_eq!(first.payload["payload"]["user_id"], json!(world.server.user("emma").id));
}

#[tokio::test]
async fn the_author_hears_that_a_message_was_delivered() {
    let world = ChatFixture::new();
    let mut chloe = own_device(&world, "chloe").await;
    world.say(&world.chloe, "un").await;
    history(&world, &world.emma).await;
    let mark = chloe.next_where(|frame| frame.is("messaging:delivered")).await;
    assert_eq!(mark.payload["payload"]["up_to_seq"], 1);
    assert_ne!(mark.payload["payload"]["delivered_at"], Value::Null);
}

#[tokio::test]
async fn whoever_no_longer_follows_hears_that_less_waits() {
    let world = ChatFixture::new();
    let path = format!("{}/follow", nord(&world).await);
    world.awa.put(&path, json!({})).await.data();
    let mut awa = own_device(&world, "awa").await;
    world.say(&world.chloe, "un").await;
    world.awa.delete(&path).await.data();
    for total in [1, 0] {
        let counter = awa.next_where(|frame| frame.is("messaging:unread")).await;
        assert_eq!(counter.payload["payload"]["total"], total);
    }
}
