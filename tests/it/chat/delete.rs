//! Deletion of messages: a tombstone without content remains.

use std::time::Duration;

use serde_json::{Value, json};

use super::room::{
    expect_array, expect_number, expect_str, history, messages_path, open_room, outbox_seqs, query_number,
    unread_count,
};
use crate::harness::ChatFixture;

async fn create_message(world: &ChatFixture) -> String {
    let body = json!({"content": "secret introuvable", "related": {"type": "order", "id": "A-1"}});
    let sent = world.chloe.post(&messages_path(world), body).await.data().clone();
    format!("/messages/{}", expect_str(&sent["id"]))
}

#[tokio::test]
async fn neither_a_colleague_nor_a_manager_deletes_anothers_words() {
    let world = ChatFixture::new();
    let message = create_message(&world).await;
    for by in [&world.emma, &world.denis] {
        assert_eq!(by.delete(&message).await.error(), (403, "FORBIDDEN"));
    }
    assert_eq!(outbox_seqs(&world), [1]);
}

#[tokio::test]
async fn after_the_window_only_an_owner_deletes() {
    let world = ChatFixture::new();
    let message = create_message(&world).await;
    world.server.clock.advance(Duration::from_secs(3_600));
    assert_eq!(world.chloe.delete(&message).await.error(), (403, "EDIT_WINDOW_CLOSED"));
    assert_ne!(world.awa.delete(&message).await.data()["deleted_at"], Value::Null);
}

#[tokio::test]
async fn deleting_twice_is_deleting_once() {
    let world = ChatFixture::new();
    let message = create_message(&world).await;
    let first = world.chloe.delete(&message).await.data().clone();
    world.server.clock.advance(Duration::from_secs(3_600));
    for by in [&world.chloe, &world.awa] {
        assert_eq!(by.delete(&message).await.data(), &first);
    }
    assert_eq!(outbox_seqs(&world), [1, 2]);
}

#[tokio::test]
async fn a_tombstone_says_nothing_anywhere() {
    let world = ChatFixture::new();
    let message = create_message(&world).await;
    let deleted = world.chloe.delete(&message).await.data().clone();
    let found = history(&world, &world.emma).await;
    let changed = world.emma.get(&format!("{}?changed_after=1", messages_path(&world))).await;
    for tombstone in [&deleted, &found[0], &changed.data()[0]] {
        assert_eq!((&tombstone["content"], &tombstone["related"]), (&Value::Null, &Value::Null));
        assert_ne!(tombstone["deleted_at"], Value::Null);
    }
    let room = open_room(&world.emma, world.nord).await;
    assert_eq!((&room["last_message"]["seq"], &room["last_message"]["excerpt"]), (&json!(1), &Value::Null));
    for path in ["/messages/search?q=introuvable", "/messages?related_type=order&related_id=A-1"] {
        assert_eq!(expect_array(world.emma.get(path).await.data()), Vec::<Value>::new(), "{path}");
    }
    let remaining_content = "SELECT count(*) AS n FROM messages WHERE content IS NOT NULL OR related_entity_type IS NOT NULL \
                OR related_entity_id IS NOT NULL OR related_preview IS NOT NULL";
    assert_eq!(query_number(&world, remaining_content), 0);
}

#[tokio::test]
async fn what_is_deleted_before_it_was_read_no_longer_counts() {
    let world = ChatFixture::new();
    let message = create_message(&world).await;
    world.send_message(&world.chloe, "deux").await;
    world.chloe.delete(&message).await.data();
    assert_eq!(unread_count(&world, &world.emma).await, 1);
    let total = world.emma.get("/conversations/unread-count").await.data()["total"].clone();
    assert_eq!(expect_number(&total), 1);
}

#[tokio::test]
async fn what_is_deleted_after_it_was_read_moves_no_counter() {
    let world = ChatFixture::new();
    let message = create_message(&world).await;
    super::room::read_all(&world, &world.emma).await;
    world.send_message(&world.chloe, "deux").await;
    world.chloe.delete(&message).await.data();
    assert_eq!(unread_count(&world, &world.emma).await, 1);
}

#[tokio::test]
async fn the_log_says_whose_words_an_owner_deleted() {
    let world = ChatFixture::new();
    let message = create_message(&world).await;
    world.awa.delete(&message).await.data();
    let sql = format!(
        "SELECT count(*) AS n FROM activity_logs WHERE action = 'message.delete' AND user_id = '{}' \
         AND details->>'author' = '{}'",
        world.server.user("awa").id,
        world.server.user("chloe").id
    );
    assert_eq!(query_number(&world, &sql), 1);
}
