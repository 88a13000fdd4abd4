//! Pages: by offset, and by cursors that what happens meanwhile does not shake.

use std::time::Duration;

use serde_json::{Value, json};

use super::{act, tell, titles_of, unthrottled};
use crate::harness::World;

/// Twelve, of which the even ones are read.
async fn twelve() -> World {
    let world = unthrottled();
    for number in 0..12 {
        let id = tell(&world, &number.to_string()).await;
        if number % 2 == 0 {
            act(&world.emma, &id, "ack").await.data();
        }
        world.server.clock.advance(Duration::from_secs(1));
    }
    world
}

async fn page(world: &World, query: &str) -> (Vec<String>, Value) {
    let answer = world.emma.get(&format!("/notifications?{query}")).await;
    (titles_of(answer.data()), answer.body["meta"].clone())
}

#[tokio::test]
async fn cursors_go_through_every_order_once() {
    let world = twelve().await;
    for sort in ["unread", "recent", "priority"] {
        let (whole, meta) = page(&world, &format!("sort={sort}")).await;
        assert_eq!((whole.len(), &meta["next"]), (12, &Value::Null));
        for limit in [1, 4, 5, 6, 11] {
            let mut found = Vec::new();
            let mut query = format!("sort={sort}&limit={limit}");
            loop {
                let (titles, meta) = page(&world, &query).await;
                found.extend(titles);
                let Some(next) = meta["next"].as_str() else { break };
                query = format!("sort={sort}&limit={limit}&cursor={next}");
            }
            assert_eq!(found, whole, "{sort} by {limit}");
        }
    }
}

#[tokio::test]
async fn offsets_cut_the_same_list() {
    let world = twelve().await;
    let (whole, _) = page(&world, "").await;
    for offset in [0, 3, 6, 11, 12, 99] {
        let (found, meta) = page(&world, &format!("limit=4&offset={offset}")).await;
        let expected: Vec<String> = whole.iter().skip(offset).take(4).cloned().collect();
        assert_eq!((found, &meta["offset"]), (expected, &json!(offset)));
    }
}

#[tokio::test]
async fn what_comes_and_is_read_meanwhile_hides_nothing_from_the_next_page() {
    let world = twelve().await;
    let (first, meta) = page(&world, "limit=3").await;
    assert_eq!(first, ["11", "9", "7"]);
    let next = meta["next"].as_str().unwrap().to_owned();
    tell(&world, "neu").await;
    // One that the next page would have begun with is read meanwhile: it is met among the read ones.
    let (rest, _) = page(&world, "limit=200").await;
    assert_eq!(rest[4], "5");
    let id = world.emma.get("/notifications").await.data()[4]["id"].as_str().unwrap().to_owned();
    act(&world.emma, &id, "ack").await.data();
    let (second, _) = page(&world, &format!("limit=200&cursor={next}")).await;
    assert_eq!(second, ["3", "1", "10", "8", "6", "5", "4", "2", "0"]);
}

#[tokio::test]
async fn a_cursor_of_another_order_is_refused() {
    let world = twelve().await;
    let (_, meta) = page(&world, "limit=3").await;
    let next = meta["next"].as_str().unwrap();
    let answer = world.emma.get(&format!("/notifications?sort=recent&cursor={next}")).await;
    assert_eq!(answer.fault(), ("cursor", "unknown_value"));
    let answer = world.emma.get(&format!("/notifications?offset=3&cursor={next}")).await;
    assert_eq!(answer.fault(), ("cursor", "ambiguous"));
}

#[tokio::test]
async fn filters_hold_across_pages() {
    let world = twelve().await;
    let (first, meta) = page(&world, "is_read=false&limit=4&sort=recent").await;
    let next = meta["next"].as_str().unwrap();
    let (second, meta) = page(&world, &format!("is_read=false&limit=4&sort=recent&cursor={next}")).await;
    assert_eq!([first, second].concat(), ["11", "9", "7", "5", "3", "1"]);
    assert_eq!(meta["next"], Value::Null);
}
