//! Following a room: who receives its events and has it in their unread counters.

use serde_json::json;

use super::room::{nord_path, open_room, query_number, unread_count};
use crate::harness::ChatFixture;

async fn is_following(world: &ChatFixture, by: &crate::harness::Api) -> bool {
    open_room(by, world.nord).await["followed"] == true
}

#[tokio::test]
async fn a_member_cannot_follow_nor_leave() {
    let world = ChatFixture::new();
    let path = format!("{}/follow", nord_path(&world).await);
    assert_eq!(world.chloe.put(&path, json!({})).await.error(), (403, "FORBIDDEN"));
    assert_eq!(world.chloe.delete(&path).await.error(), (403, "FORBIDDEN"));
    assert!(is_following(&world, &world.chloe).await);
}

#[tokio::test]
async fn an_owner_is_neither_told_nor_counted_before_they_follow_or_write() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "un").await;
    for by in [&world.awa, &world.denis] {
        assert_eq!((is_following(&world, by).await, unread_count(&world, by).await), (false, 0));
    }
    let events_for_awa = format!(
        "SELECT count(*) AS n FROM outbox WHERE fanout::text LIKE '%{}%'",
        world.server.user("awa").id
    );
    assert_eq!(query_number(&world, &events_for_awa), 0);
}

#[tokio::test]
async fn an_owner_who_follows_is_counted_from_then_on() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "un").await;
    let answer = world.awa.put(&format!("{}/follow", nord_path(&world).await), json!({})).await;
    assert_eq!((&answer.data()["followed"], &answer.data()["unread_count"]), (&json!(true), &json!(0)));
    world.send_message(&world.chloe, "deux").await;
    assert_eq!((unread_count(&world, &world.awa).await, unread_count(&world, &world.denis).await), (1, 0));
}

#[tokio::test]
async fn an_owner_who_writes_is_counted_from_then_on() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "un").await;
    world.send_message(&world.awa, "deux").await;
    world.send_message(&world.chloe, "trois").await;
    assert_eq!((is_following(&world, &world.awa).await, unread_count(&world, &world.awa).await), (true, 1));
}

#[tokio::test]
async fn who_no_longer_follows_is_no_longer_counted() {
    let world = ChatFixture::new();
    let path = format!("{}/follow", nord_path(&world).await);
    world.awa.put(&path, json!({})).await.data();
    world.send_message(&world.chloe, "un").await;
    let answer = world.awa.delete(&path).await;
    assert_eq!((&answer.data()["followed"], &answer.data()["unread_count"]), (&json!(false), &json!(0)));
    world.send_message(&world.chloe, "deux").await;
    assert_eq!(world.awa.get("/conversations/unread-count").await.data()["total"], 0);
}

#[tokio::test]
async fn who_is_in_charge_is_told_whatever_they_follow() {
    let world = ChatFixture::new();
    let answer = world.emma.delete(&format!("{}/follow", nord_path(&world).await)).await;
    assert_eq!(answer.data()["followed"], true);
    world.send_message(&world.chloe, "un").await;
    assert_eq!(unread_count(&world, &world.emma).await, 1);
}

#[tokio::test]
async fn following_twice_is_following_once() {
    let world = ChatFixture::new();
    let path = format!("{}/follow", nord_path(&world).await);
    world.awa.put(&path, json!({})).await.data();
    world.send_message(&world.chloe, "un").await;
    world.awa.put(&path, json!({})).await.data();
    assert_eq!(unread_count(&world, &world.awa).await, 1);
}
