//! The counterpart: presence of the other side, and the notice that names the operator who will answer.

use serde_json::{Value, json};

use super::room::{execute, messages_path, open_room, post_in_language};
use crate::harness::{ChatFixture, Socket};

#[tokio::test]
async fn a_member_learns_who_will_answer_in_their_language() {
    let world = ChatFixture::new();
    let sent = world.send_message(&world.chloe, "Bonjour").await;
    let expected = json!("Emma Laurent vous répondra dès que possible.");
    assert_eq!(
        (&sent["counterpart"]["status"], &sent["counterpart"]["message"]),
        (&json!("offline"), &expected)
    );
    let path = format!("/clients/{}/messages", world.sud);
    let sent = world.bruno.post(&path, json!({"content": "Hello"})).await.data().clone();
    assert_eq!(sent["counterpart"]["message"], "Karim Benali will answer you as soon as possible.");
}

#[tokio::test]
async fn the_language_asked_for_comes_before_the_persons_own() {
    let world = ChatFixture::new();
    let answer = post_in_language(&world.chloe, "en", &messages_path(&world), json!({"content": "a"})).await;
    assert_eq!(answer.data()["counterpart"]["message"], "Emma Laurent will answer you as soon as possible.");
}

#[tokio::test]
async fn the_room_says_so_before_anything_is_written() {
    let world = ChatFixture::new();
    let room = open_room(&world.chloe, world.nord).await;
    assert_eq!(room["counterpart"]["message"], "Emma Laurent vous répondra dès que possible.");
}

#[tokio::test]
async fn a_client_without_an_operator_is_answered_by_the_house() {
    let world = ChatFixture::new();
    execute(&world, &format!("UPDATE clients SET operator_id = NULL WHERE id = '{}'", world.nord));
    let sent = world.send_message(&world.chloe, "Bonjour").await;
    assert_eq!(sent["counterpart"]["message"], "Nous vous répondrons dès que possible.");
}

#[tokio::test]
async fn an_operator_is_not_promised_an_answer() {
    let world = ChatFixture::new();
    let sent = world.send_message(&world.emma, "Bonjour").await;
    assert_eq!(
        (&sent["counterpart"]["status"], &sent["counterpart"]["message"]),
        (&json!("offline"), &Value::Null)
    );
}

#[tokio::test]
async fn each_side_learns_when_the_other_was_last_there() {
    let world = ChatFixture::new();
    let at = |name: &str, time: &str| {
        let id = world.server.user(name).id;
        execute(&world, &format!("UPDATE users SET last_seen_at = '{time}' WHERE id = '{id}'"));
    };
    at("emma", "2026-01-01T08:00:00Z");
    at("chloe", "2026-01-02T09:00:00Z");
    let by_chloe = world.send_message(&world.chloe, "a").await;
    let by_emma = world.send_message(&world.emma, "b").await;
    assert_eq!(by_chloe["counterpart"]["last_seen"], "2026-01-01T08:00:00.000Z");
    assert_eq!(by_emma["counterpart"]["last_seen"], "2026-01-02T09:00:00.000Z");
}

#[tokio::test]
async fn nobody_is_promised_an_answer_while_an_operator_is_there() {
    let world = ChatFixture::new();
    let _socket = Socket::open(&world.server, &world.server.user("emma").token).await;
    while open_room(&world.chloe, world.nord).await["counterpart"]["status"] != "online" {
        crate::harness::pause_between_polls().await;
    }
    let sent = world.send_message(&world.chloe, "Bonjour").await;
    assert_eq!(sent["counterpart"], json!({"status": "online", "last_seen": null, "message": null}));
}
