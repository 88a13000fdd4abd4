//! Pages of the history.

use serde_json::{Value, json};

use super::room::{
    expect_array, expect_number, expect_str, faults, field_numbers, field_values, history, messages_path,
    read_all, read_to,
};
use crate::harness::{Api, ChatFixture};

async fn fetch_page(world: &ChatFixture, by: &Api, query: &str) -> (Vec<Value>, Value) {
    let answer = by.get(&format!("{}?{query}", messages_path(world))).await;
    (expect_array(answer.data()), answer.body["meta"].clone())
}

async fn fixture_with_messages(messages: i64) -> ChatFixture {
    let world = ChatFixture::new();
    for n in 1..=messages {
        world.send_message(&world.chloe, &format!("message {n}")).await;
    }
    world
}

#[tokio::test]
async fn limits_outside_their_range_are_refused_not_clamped() {
    let world = ChatFixture::new();
    for limit in ["0", "-1", "201", "9223372036854775807"] {
        let answer = world.emma.get(&format!("{}?limit={limit}", messages_path(&world))).await;
        assert_eq!(faults(&answer), [("limit", "out_of_range")]);
    }
    let answer = world.emma.get(&format!("{}?limit=ten", messages_path(&world))).await;
    assert_eq!(faults(&answer), [("limit", "wrong_type")]);
}

#[tokio::test]
async fn misspelt_and_contradicting_parameters_are_refused() {
    let world = ChatFixture::new();
    let answer = world.emma.get(&format!("{}?befor=3", messages_path(&world))).await;
    assert_eq!(faults(&answer), [("befor", "unknown_field")]);
    let answer = world.emma.get(&format!("{}?before=3&after=1", messages_path(&world))).await;
    assert_eq!(faults(&answer), [("before", "ambiguous")]);
    let answer = world.emma.get(&format!("{}?before=-1&limit=0", messages_path(&world))).await;
    assert_eq!(faults(&answer), [("limit", "out_of_range"), ("before", "out_of_range")]);
}

#[tokio::test]
async fn an_empty_room_has_nothing_before_and_nothing_after() {
    let world = ChatFixture::new();
    for query in ["limit=50", "before=0", "before=9", "after=0", "after=9", "changed_after=0"] {
        let (found, meta) = fetch_page(&world, &world.emma, query).await;
        assert_eq!(found, Vec::<Value>::new());
        assert_eq!(
            (&meta["has_before"], &meta["has_after"], &meta["head"]),
            (&json!(false), &json!(false), &json!(0))
        );
    }
}

#[tokio::test]
async fn the_newest_page_comes_oldest_first() {
    let world = fixture_with_messages(5).await;
    let (found, meta) = fetch_page(&world, &world.emma, "limit=3").await;
    assert_eq!(field_numbers(&found, "seq"), [3, 4, 5]);
    assert_eq!(meta, json!({"limit": 3, "has_before": true, "has_after": false, "head": 5}));
}

#[tokio::test]
async fn pages_backward_and_forward_meet() {
    let world = fixture_with_messages(5).await;
    for (query, seqs, has_before, has_after) in [
        ("limit=2&before=4", vec![2, 3], true, true),
        ("limit=2&before=3", vec![1, 2], false, true),
        ("limit=2&before=1", vec![], false, true),
        ("limit=2&before=99", vec![4, 5], true, false),
        ("limit=2&after=0", vec![1, 2], false, true),
        ("limit=2&after=3", vec![4, 5], true, false),
        ("limit=2&after=5", vec![], true, false),
        ("limit=2&after=99", vec![], true, false),
    ] {
        let (found, meta) = fetch_page(&world, &world.emma, query).await;
        assert_eq!(field_numbers(&found, "seq"), seqs, "{query}");
        assert_eq!(
            (&meta["has_before"], &meta["has_after"]),
            (&json!(has_before), &json!(has_after)),
            "{query}"
        );
    }
}

#[tokio::test]
async fn what_changed_since_a_number_comes_in_the_order_of_change() {
    let world = fixture_with_messages(3).await;
    let first = history(&world, &world.chloe).await[0].clone();
    let path = format!("/messages/{}", expect_str(&first["id"]));
    world.chloe.patch(&path, json!({"content": "mieux"})).await.data();
    let (found, meta) = fetch_page(&world, &world.emma, "changed_after=2").await;
    assert_eq!(
        (field_numbers(&found, "seq"), field_numbers(&found, "changed_seq")),
        (vec![3, 1], vec![3, 4])
    );
    assert_eq!(expect_number(&meta["head"]), 4);
}

#[tokio::test]
async fn a_reading_is_never_cut_in_two_by_a_page_of_changes() {
    let world = fixture_with_messages(7).await;
    read_to(&world, &world.emma, 5).await;
    let mut since = 0;
    let mut received = Vec::new();
    loop {
        let (found, meta) = fetch_page(&world, &world.chloe, &format!("limit=2&changed_after={since}")).await;
        received.extend(field_numbers(&found, "seq"));
        since = found.last().map_or(since, |message| expect_number(&message["changed_seq"]));
        if meta["has_after"] == false {
            break;
        }
    }
    assert_eq!(received, [6, 7, 1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_phone_that_was_away_heals_by_what_changed() {
    let world = fixture_with_messages(4).await;
    let (mut cached, meta) = fetch_page(&world, &world.chloe, "limit=200").await;
    let head = expect_number(&meta["head"]);
    read_all(&world, &world.emma).await;
    let id = |n: usize| format!("/messages/{}", expect_str(&cached[n]["id"]));
    world.chloe.patch(&id(1), json!({"content": "mieux"})).await.data();
    world.awa.delete(&id(2)).await.data();
    world.send_message(&world.emma, "cinq").await;

    let (changes, _) = fetch_page(&world, &world.chloe, &format!("changed_after={head}")).await;
    for change in changes {
        match cached.iter_mut().find(|message| message["id"] == change["id"]) {
            Some(message) => *message = change,
            None => cached.push(change),
        }
    }
    // Delivered marks are ephemeral: they have no topic number, so the cached messages may lack them.
    let without_delivery = |mut messages: Vec<Value>| {
        messages.iter_mut().for_each(|message| {
            for field in ["delivered_at", "state"] {
                message[field].take();
            }
        });
        messages
    };
    assert_eq!(without_delivery(cached), without_delivery(history(&world, &world.chloe).await));
}

#[tokio::test]
async fn a_page_by_conversation_is_the_page_by_client() {
    let world = fixture_with_messages(2).await;
    let conversation = expect_str(&history(&world, &world.emma).await[0]["conversation_id"]).to_owned();
    let answer = world.emma.get(&format!("/conversations/{conversation}/messages")).await;
    assert_eq!(
        field_values(&expect_array(answer.data()), "content"),
        [json!("message 1"), json!("message 2")]
    );
}
