//! A repeated send has the effect of one.

use std::collections::HashSet;

use futures_util::future::join_all;
use serde_json::json;

use super::room::{history, keyed, logged, messages, unread};
use crate::harness::ChatFixture;

const MARK: &str = "0198c0de-0000-7000-8000-00000000000a";

#[tokio::test]
async fn other_words_under_the_same_id_are_a_mistake() {
    let world = ChatFixture::new();
    let send = |content: &str| json!({"content": content, "client_message_id": MARK});
    world.chloe.post(&messages(&world), send("Bonjour")).await.data();
    let answer = world.chloe.post(&messages(&world), send("Au revoir")).await;
    assert_eq!(answer.refusal(), (422, "IDEMPOTENCY_MISMATCH"));
    assert_eq!(history(&world, &world.emma).await.len(), 1);
}

#[tokio::test]
async fn another_entity_under_the_same_id_is_a_mistake() {
    let world = ChatFixture::new();
    let send =
        |id: &str| json!({"content": "a", "client_message_id": MARK, "related": {"type": "order", "id": id}});
    world.chloe.post(&messages(&world), send("1")).await.data();
    let answer = world.chloe.post(&messages(&world), send("2")).await;
    assert_eq!(answer.refusal(), (422, "IDEMPOTENCY_MISMATCH"));
}

#[tokio::test]
async fn a_repeat_finds_the_first_message_and_changes_nothing() {
    let world = ChatFixture::new();
    let body = json!({"content": "Bonjour", "client_message_id": MARK});
    let first = world.chloe.post(&messages(&world), body.clone()).await;
    let second = world.chloe.post(&messages(&world), body).await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 200));
    assert_eq!(first.data(), second.data());
    assert_eq!((logged(&world), unread(&world, &world.emma).await), (vec![1], 1));
}

#[tokio::test]
async fn a_repeat_of_what_was_edited_since_finds_it_as_it_is_now() {
    let world = ChatFixture::new();
    let body = json!({"content": "Bonjuor", "client_message_id": MARK});
    let first = world.chloe.post(&messages(&world), body.clone()).await.data().clone();
    let path = format!("/messages/{}", first["id"].as_str().unwrap());
    world.chloe.patch(&path, json!({"content": "Bonjour"})).await.data();
    let again = world.chloe.post(&messages(&world), body).await;
    assert_eq!((again.status.as_u16(), &again.data()["content"]), (200, &json!("Bonjour")));
}

#[tokio::test]
async fn two_people_may_make_the_same_id() {
    let world = ChatFixture::new();
    let body = json!({"content": "Bonjour", "client_message_id": MARK});
    for by in [&world.chloe, &world.emma] {
        assert_eq!(by.post(&messages(&world), body.clone()).await.status, 201);
    }
}

#[tokio::test]
async fn two_hundred_sends_of_one_message_make_one() {
    let world = ChatFixture::new();
    let body = json!({"content": "Bonjour", "client_message_id": MARK});
    let path = messages(&world);
    let answers = join_all((0..200).map(|_| world.chloe.post(&path, body.clone()))).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    let ids: HashSet<_> = answers.iter().map(|answer| answer.data()["id"].to_string()).collect();
    assert_eq!((made, ids.len()), (1, 1));
    assert_eq!(history(&world, &world.emma).await.len(), 1);
}

#[tokio::test]
async fn a_key_gives_the_first_answer_again() {
    let world = ChatFixture::new();
    let body = json!({"content": "Bonjour"});
    let first = keyed(&world.chloe, &messages(&world), "k1", body.clone()).await;
    let second = keyed(&world.chloe, &messages(&world), "k1", body).await;
    assert_eq!((first.status, first.data()), (second.status, second.data()));
    assert!(!first.headers.contains_key("idempotent-replayed"));
    assert_eq!(second.headers["idempotent-replayed"], "true");
    assert_eq!(history(&world, &world.emma).await.len(), 1);
}

#[tokio::test]
async fn a_key_belongs_to_one_body_and_one_room() {
    let world = ChatFixture::new();
    let sud = format!("/clients/{}/messages", world.sud);
    keyed(&world.awa, &messages(&world), "k1", json!({"content": "Bonjour"})).await.data();
    for (path, content) in [(messages(&world), "Autre"), (sud, "Bonjour")] {
        let answer = keyed(&world.awa, &path, "k1", json!({"content": content})).await;
        assert_eq!(answer.refusal(), (422, "IDEMPOTENCY_MISMATCH"));
    }
}

#[tokio::test]
async fn a_refused_request_does_not_use_up_its_key() {
    let world = ChatFixture::new();
    let refused = keyed(&world.chloe, &messages(&world), "k1", json!({"content": " "})).await;
    assert_eq!(refused.refusal(), (422, "VALIDATION_ERROR"));
    assert_eq!(keyed(&world.chloe, &messages(&world), "k1", json!({"content": "a"})).await.status, 201);
}
