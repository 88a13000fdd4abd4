//! Delivered marks: set when a device of the other side has received the message.

use serde_json::{Value, json};

use super::room::{history, outbox_seqs};
use crate::harness::ChatFixture;

#[tokio::test]
async fn fetching_by_the_other_side_delivers() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "un").await;
    history(&world, &world.emma).await;
    let mut messages = history(&world, &world.chloe).await;
    while messages[0]["state"] == "sent" {
        crate::harness::pause_between_polls().await;
        messages = history(&world, &world.chloe).await;
    }
    assert_eq!((&messages[0]["state"], &messages[0]["read_at"]), (&json!("delivered"), &Value::Null));
    assert_eq!((messages[0]["changed_seq"].clone(), outbox_seqs(&world)), (json!(1), vec![1]));
}

#[tokio::test]
async fn fetching_by_my_own_side_delivers_nothing() {
    let world = ChatFixture::new();
    world.send_message(&world.emma, "un").await;
    for by in [&world.awa, &world.emma, &world.denis] {
        history(&world, by).await;
    }
    world.send_message(&world.chloe, "deux").await;
    history(&world, &world.awa).await;
    // Marks are written together: once the mark of the second message exists, one of the first would exist too.
    let mut messages = history(&world, &world.awa).await;
    while messages[1]["state"] == "sent" {
        crate::harness::pause_between_polls().await;
        messages = history(&world, &world.awa).await;
    }
    assert_eq!(messages[0]["state"], "sent");
}

#[tokio::test]
async fn what_is_read_is_delivered() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "un").await;
    super::room::read_all(&world, &world.emma).await;
    let message = history(&world, &world.chloe).await[0].clone();
    assert_eq!(message["delivered_at"], message["read_at"]);
}
