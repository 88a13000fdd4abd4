//! Messages are numbered 1, 2, 3 … without gaps, and so are the changes of the room, even under concurrency.

use futures_util::future::join_all;
use serde_json::json;

use super::room::{expect_number, expect_str, field_numbers, history, messages_path, nord_path, outbox_seqs};
use crate::harness::ChatFixture;

#[tokio::test]
async fn concurrent_sends_are_numbered_without_gaps() {
    let world = ChatFixture::new();
    let people = [&world.chloe, &world.emma, &world.awa, &world.denis];
    let path = messages_path(&world);
    let sends = (0..60).map(|n| people[n % 4].post(&path, json!({"content": format!("message {n}")})));
    for answer in join_all(sends).await {
        assert_eq!(answer.status, 201);
    }
    let found = history(&world, &world.emma).await;
    let expected: Vec<i64> = (1..=60).collect();
    assert_eq!(field_numbers(&found, "seq"), expected);
    assert_eq!(field_numbers(&found, "changed_seq"), expected);
    assert_eq!(outbox_seqs(&world), expected);
}

#[tokio::test]
async fn changes_that_race_take_one_number_each() {
    let world = ChatFixture::new();
    let mut ids = Vec::new();
    for n in 0..10 {
        ids.push(
            expect_str(&world.send_message(&world.chloe, &format!("message {n}")).await["id"]).to_owned(),
        );
    }
    let (path, read) = (messages_path(&world), format!("{}/read", nord_path(&world).await));
    let edits = ids.iter().map(|id| format!("/messages/{id}"));
    let edits: Vec<_> = edits.collect();
    let edits = join_all(edits.iter().map(|path| world.chloe.patch(path, json!({"content": "mieux"}))));
    let sends = join_all((0..10).map(|_| world.emma.post(&path, json!({"content": "oui"}))));
    let reads = join_all((0..10).map(|seq| world.emma.post(&read, json!({"up_to_seq": seq}))));
    let (edits, sends, reads) = futures_util::future::join3(edits, sends, reads).await;
    assert!(edits.iter().chain(&sends).chain(&reads).all(|answer| answer.status.is_success()));

    let log = outbox_seqs(&world);
    let head = i64::try_from(log.len()).unwrap();
    assert_eq!(log, (1..=head).collect::<Vec<_>>());
    let page = world.emma.get(&format!("{path}?limit=200")).await;
    assert_eq!(expect_number(&page.body["meta"]["head"]), head);
    assert!(field_numbers(&history(&world, &world.emma).await, "changed_seq").iter().all(|n| *n <= head));
}

#[tokio::test]
async fn a_refused_send_takes_no_number() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "un").await;
    world.bruno.post(&messages_path(&world), json!({"content": "deux"})).await;
    world.chloe.post(&messages_path(&world), json!({"content": " "})).await;
    assert_eq!(world.send_message(&world.chloe, "deux").await["seq"], 2);
}
