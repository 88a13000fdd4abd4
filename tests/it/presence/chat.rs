//! Presence of the other side in chat.

use std::time::Duration;

use serde_json::json;

use super::{id, open, until_status};
use crate::harness::ChatFixture;

#[tokio::test]
async fn while_the_operator_idles_a_member_is_told_who_will_answer() {
    let world = ChatFixture::new();
    let emma = open(&world, "emma").await;
    until_status(&world.awa, id(&world, "emma"), "online").await;
    let sent = world.send_message(&world.chloe, "Bonjour").await;
    assert_eq!(sent["counterpart"], json!({"status": "online", "last_seen": null, "message": null}));
    world.server.clock.advance(Duration::from_secs(130));
    let sent = world.send_message(&world.chloe, "Il y a quelqu'un ?").await;
    assert_eq!(sent["counterpart"]["status"], "idle");
    assert!(sent["counterpart"]["last_seen"].is_string(), "{sent}");
    assert_eq!(sent["counterpart"]["message"], "Emma Laurent vous répondra dès que possible.");
    drop(emma);
    world.wait_for_activity("ws.disconnect", 1).await;
    world.server.clock.advance(Duration::from_secs(31));
    let sent = world.send_message(&world.chloe, "Tant pis").await;
    assert_eq!(sent["counterpart"]["status"], "offline");
    assert!(sent["counterpart"]["last_seen"].is_string(), "{sent}");
}

#[tokio::test]
async fn rooms_of_whoever_is_there_come_first() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "Bonjour").await;
    let _bruno = open(&world, "bruno").await;
    until_status(&world.awa, id(&world, "bruno"), "online").await;
    let answer = world.awa.get("/conversations?sort=online").await;
    let first = &answer.data()[0];
    assert_eq!(first["client"]["id"], json!(world.sud), "{}", answer.body);
    assert_eq!(first["counterpart"]["status"], "online");
}
