//! Delivered marks: the other side's device has the message.

use serde_json::{Value, json};

use super::room::{history, logged};
use crate::harness::ChatFixture;

#[tokio::test]
async fn fetching_by_the_other_side_delivers() {
    let world = ChatFixture::new();
    world.say(&world.chloe, "un").await;
    history(&world, &world.emma).await;
    let mut mine = history(&world, &world.chloe).await;
    while mine[0]["state"] == "sent" {
        crate::harness::poll_interval().await;
        mine = history(&world, &world.chloe).await;
    }
    assert_eq!((&mine[0]["state"], &mine[0]["read_at"]), (&json!("delivered"), &Value::Null));
    assert_eq!((mine[0]["changed_seq"].clone(), logged(&world)), (json!(1), vec![1]));
}

#[tokio::test]
async fn fetching_by_my_own_side_delivers_nothing() {
    let world = ChatFixture::new();
    world.say(&world.emma, "un").await;
    for by in [&world.awa, &world.emma, &world.denis] {
        history(&world, by).await;
    }
    world.say(&world.chloe, "deux").await;
    history(&world, &world.awa).await;
    // Marks are written together: once this one exists, an earlier one would too.
    let mut all = history(&world, &world.awa).await;
    while all[1]["state"] == "sent" {
        crate::harness::poll_interval().await;
        all = history(&world, &world.awa).await;
    }
    assert_eq!(all[0]["state"], "sent");
}

#[tokio::test]
async fn what_is_read_is_delivered() {
    let world = ChatFixture::new();
    world.say(&world.chloe, "un").await;
    super::room::read_all(&world, &world.emma).await;
    let message = history(&world, &world.chloe).await[0].clone();
    assert_eq!(message["delivered_at"], message["read_at"]);
}
