//! Editing one's own messages.

use std::time::Duration;

use serde_json::{Value, json};

use super::room::{expect_str, faults, history, outbox_seqs, query_number, query_texts, unread_count};
use crate::harness::ChatFixture;

async fn create_message(world: &ChatFixture) -> String {
    format!("/messages/{}", expect_str(&world.send_message(&world.chloe, "Bonjuor").await["id"]))
}

#[tokio::test]
async fn only_the_author_edits() {
    let world = ChatFixture::new();
    let message = create_message(&world).await;
    for by in [&world.emma, &world.denis, &world.awa] {
        assert_eq!(by.patch(&message, json!({"content": "Autre"})).await.error(), (403, "FORBIDDEN"));
    }
    let refused_attempts = "SELECT count(*) AS n FROM activity_logs WHERE action = 'forbidden_attempt' AND entity_type = 'message'";
    assert_eq!((query_number(&world, refused_attempts), outbox_seqs(&world)), (3, vec![1]));
}

#[tokio::test]
async fn after_the_window_words_stand() {
    let world = ChatFixture::new();
    let message = create_message(&world).await;
    world.server.clock.advance(Duration::from_secs(121));
    let answer = world.chloe.patch(&message, json!({"content": "Bonjour"})).await;
    assert_eq!(answer.error(), (403, "EDIT_WINDOW_CLOSED"));
    assert_eq!(history(&world, &world.emma).await[0]["content"], "Bonjuor");
}

#[tokio::test]
async fn within_the_window_words_may_change() {
    let world = ChatFixture::new();
    let message = create_message(&world).await;
    world.server.clock.advance(Duration::from_secs(110));
    let edited = world.chloe.patch(&message, json!({"content": "Bonjour"})).await.data().clone();
    assert_eq!(
        (&edited["content"], &edited["seq"], &edited["changed_seq"]),
        (&json!("Bonjour"), &json!(1), &json!(2))
    );
    assert_ne!(edited["edited_at"], Value::Null);
    assert_eq!(history(&world, &world.emma).await[0]["content"], "Bonjour");
}

#[tokio::test]
async fn a_deleted_message_cannot_be_edited() {
    let world = ChatFixture::new();
    let message = create_message(&world).await;
    world.chloe.delete(&message).await.data();
    let answer = world.chloe.patch(&message, json!({"content": "Bonjour"})).await;
    assert_eq!(answer.error(), (409, "CONFLICT"));
    assert_eq!(answer.body["error"]["details"]["current"]["content"], Value::Null);
}

#[tokio::test]
async fn the_new_words_are_checked_like_the_first() {
    let world = ChatFixture::new();
    let message = create_message(&world).await;
    let answer = world.chloe.patch(&message, json!({"content": " "})).await;
    assert_eq!(faults(&answer), [("content", "missing")]);
    let answer = world.chloe.patch(&message, json!({"content": "a", "related": null})).await;
    assert_eq!(faults(&answer), [("related", "unknown_field")]);
}

#[tokio::test]
async fn the_same_words_are_no_change() {
    let world = ChatFixture::new();
    let message = create_message(&world).await;
    let answer = world.chloe.patch(&message, json!({"content": "Bonjuor"})).await;
    assert_eq!(answer.data()["edited_at"], Value::Null);
    assert_eq!(outbox_seqs(&world), [1]);
}

#[tokio::test]
async fn the_words_before_are_kept_in_the_activity_log() {
    let world = ChatFixture::new();
    let message = create_message(&world).await;
    world.chloe.patch(&message, json!({"content": "Bonjour"})).await.data();
    let sql = "SELECT details->>'before' AS t FROM activity_logs WHERE action = 'message.edit'";
    assert_eq!(query_texts(&world, sql), ["Bonjuor"]);
}

#[tokio::test]
async fn an_edit_counts_for_nobody() {
    let world = ChatFixture::new();
    let message = create_message(&world).await;
    world.chloe.patch(&message, json!({"content": "Bonjour"})).await.data();
    assert_eq!(unread_count(&world, &world.emma).await, 1);
    assert_eq!(
        query_texts(&world, "SELECT event AS t FROM outbox WHERE topic LIKE 'chat:%' ORDER BY seq"),
        ["messaging:new", "messaging:updated"]
    );
}
