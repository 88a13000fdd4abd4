//! Conversations in the feed: reading one reads the other, and no group has two unread notifications.

use std::time::Duration;

use guichet::notifications::feed;
use serde_json::{Value, json};

use super::{HOLES, act, head, titles, told_after, unread};
use crate::chat::room::{read_all, read_to};
use crate::harness::ChatFixture;
use crate::notifications::rows;

async fn newest(world: &ChatFixture) -> Value {
    world.emma.get("/notifications?sort=recent&limit=1").await.data()[0].clone()
}

fn id(notification: &Value) -> String {
    notification["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn who_has_read_a_conversation_to_its_end_has_read_its_notification() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "un").await;
    world.send_message(&world.chloe, "deux").await;
    assert_eq!(unread(&world, &world.emma).await, 1);
    read_to(&world, &world.emma, 1).await;
    assert_eq!(unread(&world, &world.emma).await, 1);
    let before = head(&world);
    read_to(&world, &world.emma, 2).await;
    assert_eq!(unread(&world, &world.emma).await, 0);
    assert_eq!(told_after(&world, before)["notify:updated"][0]["notification"]["status"], "read");
    assert_eq!(rows::number(&world.server, HOLES), 0);
}

#[tokio::test]
async fn a_message_after_the_reading_is_a_notification_of_its_own() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "un").await;
    read_all(&world, &world.emma).await;
    world.send_message(&world.chloe, "deux").await;
    assert_eq!(titles(&world.emma, "?status=unread").await.len(), 1);
    assert_eq!(titles(&world.emma, "").await.len(), 2);
}

#[tokio::test]
async fn one_that_is_there_for_its_mail_alone_is_read_with_its_conversation() {
    let world = ChatFixture::new();
    let emma = world.server.user("emma").id;
    let off = format!(
        "INSERT INTO notification_preferences (tenant_id, user_id, category, channel_inapp) \
        SELECT tenant_id, id, 'message', false FROM users WHERE id = '{emma}'"
    );
    rows::run(&world.server, &off);
    let mails = "SELECT count(*) FROM deliveries WHERE channel = 'email'";
    for count in 1..=2 {
        world.send_message(&world.chloe, "un").await;
        read_all(&world, &world.emma).await;
        assert_eq!(rows::number(&world.server, mails), count);
    }
    let unread = "SELECT count(*) FROM notifications WHERE NOT visible AND status = 'unread'";
    assert_eq!((rows::number(&world.server, unread), head(&world)), (0, 0));
}

#[tokio::test]
async fn what_leaves_the_archive_beside_a_newer_one_comes_back_as_read() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "un").await;
    let old = id(&newest(&world).await);
    act(&world.emma, &old, "archive").await.data();
    world.send_message(&world.chloe, "deux").await;
    let back = act(&world.emma, &old, "unarchive").await.data().clone();
    assert_eq!((&back["status"], &back["is_read"]), (&json!("read"), &json!(true)));
    assert_eq!(unread(&world, &world.emma).await, 1);
}

#[tokio::test]
async fn what_leaves_the_archive_beside_one_that_is_not_seen_comes_back_as_read() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "un").await;
    let old = id(&newest(&world).await);
    act(&world.emma, &old, "archive").await.data();
    world.send_message(&world.chloe, "deux").await;
    rows::run(&world.server, "UPDATE notifications SET visible = false WHERE status = 'unread'");
    rows::run(&world.server, "UPDATE notification_feeds SET unread = 0");
    let back = act(&world.emma, &old, "unarchive").await;
    assert_eq!(back.data()["status"], "read");
}

#[tokio::test]
async fn two_that_wake_at_once_are_one_unread_and_one_read() {
    let world = ChatFixture::new();
    for words in ["un", "deux"] {
        world.send_message(&world.chloe, words).await;
        let one = id(&newest(&world).await);
        act(&world.emma, &one, "ack").await.data();
        let path = format!("/notifications/{one}/snooze");
        world.emma.post(&path, json!({"minutes": 5})).await.data();
    }
    world.server.clock.advance(Duration::from_secs(301));
    let n = &world.server.app.notifications;
    assert_eq!(feed::wake_snoozed(n, world.server.clock.now()).await.unwrap(), 2);
    assert_eq!(titles(&world.emma, "").await.len(), 2);
    assert_eq!(unread(&world, &world.emma).await, 1);
}

#[tokio::test]
async fn a_message_wakes_the_snoozed_notification_of_its_conversation() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "un").await;
    let one = newest(&world).await;
    let path = format!("/notifications/{}/snooze", id(&one));
    world.emma.post(&path, json!({"minutes": 5})).await.data();
    assert_eq!(unread(&world, &world.emma).await, 0);
    world.send_message(&world.chloe, "deux").await;
    assert_eq!((id(&newest(&world).await), unread(&world, &world.emma).await), (id(&one), 1));
}
