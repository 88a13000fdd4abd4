//! Idempotent sends: a repeated send creates no second message.

use std::collections::HashSet;

use futures_util::future::join_all;
use serde_json::json;

use super::room::{history, messages_path, outbox_seqs, post_with_key, unread_count};
use crate::harness::ChatFixture;

const CLIENT_MESSAGE_ID: &str = "0198c0de-0000-7000-8000-00000000000a";

#[tokio::test]
async fn other_words_under_the_same_id_are_a_mistake() {
    let world = ChatFixture::new();
    let send = |content: &str| json!({"content": content, "client_message_id": CLIENT_MESSAGE_ID});
    world.chloe.post(&messages_path(&world), send("Bonjour")).await.data();
    let answer = world.chloe.post(&messages_path(&world), send("Au revoir")).await;
    assert_eq!(answer.error(), (422, "IDEMPOTENCY_MISMATCH"));
    assert_eq!(history(&world, &world.emma).await.len(), 1);
}

#[tokio::test]
async fn another_entity_under_the_same_id_is_a_mistake() {
    let world = ChatFixture::new();
    let send = |id: &str| json!({"content": "a", "client_message_id": CLIENT_MESSAGE_ID, "related": {"type": "order", "id": id}});
    world.chloe.post(&messages_path(&world), send("1")).await.data();
    let answer = world.chloe.post(&messages_path(&world), send("2")).await;
    assert_eq!(answer.error(), (422, "IDEMPOTENCY_MISMATCH"));
}

#[tokio::test]
async fn a_repeat_finds_the_first_message_and_changes_nothing() {
    let world = ChatFixture::new();
    let body = json!({"content": "Bonjour", "client_message_id": CLIENT_MESSAGE_ID});
    let first = world.chloe.post(&messages_path(&world), body.clone()).await;
    let second = world.chloe.post(&messages_path(&world), body).await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 200));
    assert_eq!(first.data(), second.data());
    assert_eq!((outbox_seqs(&world), unread_count(&world, &world.emma).await), (vec![1], 1));
}

#[tokio::test]
async fn a_repeat_of_what_was_edited_since_finds_it_as_it_is_now() {
    let world = ChatFixture::new();
    let body = json!({"content": "Bonjuor", "client_message_id": CLIENT_MESSAGE_ID});
    let first = world.chloe.post(&messages_path(&world), body.clone()).await.data().clone();
    let path = format!("/messages/{}", first["id"].as_str().unwrap());
    world.chloe.patch(&path, json!({"content": "Bonjour"})).await.data();
    let repeat = world.chloe.post(&messages_path(&world), body).await;
    assert_eq!((repeat.status.as_u16(), &repeat.data()["content"]), (200, &json!("Bonjour")));
}

#[tokio::test]
async fn two_people_may_make_the_same_id() {
    let world = ChatFixture::new();
    let body = json!({"content": "Bonjour", "client_message_id": CLIENT_MESSAGE_ID});
    for by in [&world.chloe, &world.emma] {
        assert_eq!(by.post(&messages_path(&world), body.clone()).await.status, 201);
    }
}

#[tokio::test]
async fn two_hundred_sends_of_one_message_make_one() {
    let world = ChatFixture::new();
    let body = json!({"content": "Bonjour", "client_message_id": CLIENT_MESSAGE_ID});
    let path = messages_path(&world);
    let answers = join_all((0..200).map(|_| world.chloe.post(&path, body.clone()))).await;
    let created = answers.iter().filter(|answer| answer.status == 201).count();
    let ids: HashSet<_> = answers.iter().map(|answer| answer.data()["id"].to_string()).collect();
    assert_eq!((created, ids.len()), (1, 1));
    assert_eq!(history(&world, &world.emma).await.len(), 1);
}

#[tokio::test]
async fn a_key_gives_the_first_answer_again() {
    let world = ChatFixture::new();
    let body = json!({"content": "Bonjour"});
    let first = post_with_key(&world.chloe, &messages_path(&world), "k1", body.clone()).await;
    let second = post_with_key(&world.chloe, &messages_path(&world), "k1", body).await;
    assert_eq!((first.status, first.data()), (second.status, second.data()));
    assert!(!first.headers.contains_key("idempotent-replayed"));
    assert_eq!(second.headers["idempotent-replayed"], "true");
    assert_eq!(history(&world, &world.emma).await.len(), 1);
}

#[tokio::test]
async fn a_key_belongs_to_one_body_and_one_room() {
    let world = ChatFixture::new();
    let sud = format!("/clients/{}/messages", world.sud);
    post_with_key(&world.awa, &messages_path(&world), "k1", json!({"content": "Bonjour"})).await.data();
    for (path, content) in [(messages_path(&world), "Autre"), (sud, "Bonjour")] {
        let answer = post_with_key(&world.awa, &path, "k1", json!({"content": content})).await;
        assert_eq!(answer.error(), (422, "IDEMPOTENCY_MISMATCH"));
    }
}

#[tokio::test]
async fn a_refused_request_does_not_use_up_its_key() {
    let world = ChatFixture::new();
    let refused = post_with_key(&world.chloe, &messages_path(&world), "k1", json!({"content": " "})).await;
    assert_eq!(refused.error(), (422, "VALIDATION_ERROR"));
    assert_eq!(
        post_with_key(&world.chloe, &messages_path(&world), "k1", json!({"content": "a"})).await.status,
        201
    );
}
