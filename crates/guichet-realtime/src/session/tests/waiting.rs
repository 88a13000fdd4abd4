//! The backlog of a person's own topic: sent on connect, before anything else, and nothing twice.

use std::sync::Arc;

use serde_json::{Value, json};

use super::clients::{Client, TestProcess};
use super::fakes::{TENANT, user};
use crate::wire::Dialect;
use crate::{Event, Settings};

const FEED: &str = "client:notifications:1";

/// Commits an event of the feed without publishing it.
fn commit(desk: &TestProcess, text: &str) -> Event {
    let mut event = desk.log.commit_named(FEED, "notify:new", &json!({ "text": text }).to_string());
    event.copies.clear();
    event
}

fn publish(desk: &TestProcess, event: Event) {
    desk.hub.publish(event);
}

/// The next frame of the feed: its number, and whether it was missed.
async fn heard(client: &Client) -> (i64, bool) {
    let frame = client.next().await;
    assert_eq!((&*frame.topic, &*frame.event), (FEED, "notify:new"), "{frame:?}");
    let meta = &frame.payload["meta"];
    (meta["seq"].as_i64().unwrap(), meta.get("replayed") == Some(&Value::Bool(true)))
}

#[tokio::test(start_paused = true)]
async fn what_waits_comes_first_and_what_commits_meanwhile_right_behind() {
    for dialect in [Dialect::Plain, Dialect::PlainCamel] {
        let desk = TestProcess::new();
        let all: Vec<Event> = (1..=5).map(|n| commit(&desk, &n.to_string())).collect();
        *desk.backend.waits.lock() = Some((FEED, vec![all[1].clone(), all[4].clone()]));
        let (log, hub) = (Arc::clone(&desk.log), Arc::clone(&desk.hub));
        *desk.backend.as_granted.lock() = Some(Box::new(move || {
            let event = log.commit_named(FEED, "notify:new", "{}");
            hub.publish(event);
        }));
        let client = desk.connect(dialect, &["awa"]);
        assert_eq!(
            [heard(&client).await, heard(&client).await, heard(&client).await],
            [(2, true), (5, true), (6, false)]
        );
        publish(&desk, all[4].clone());
        let next = commit(&desk, "live");
        publish(&desk, next);
        assert_eq!(heard(&client).await, (7, false));
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_feed_passes_a_short_queue_whole_while_more_commits() {
    let desk = TestProcess::with(Settings { queue_bytes: 40_000, ..Settings::default() });
    let waiting: Vec<Event> = (0..100).map(|_| commit(&desk, &"x".repeat(2_000))).collect();
    *desk.backend.waits.lock() = Some((FEED, waiting));
    let client = desk.connect(Dialect::Plain, &["awa"]);
    let mut numbers = Vec::new();
    // More than the topic buffers for joins.
    for _ in 0..80 {
        numbers.push(heard(&client).await.0);
        let event = commit(&desk, "meanwhile");
        publish(&desk, event);
    }
    for _ in 0..100 {
        numbers.push(heard(&client).await.0);
    }
    assert_eq!(numbers, (1..=180).collect::<Vec<i64>>());
}

#[tokio::test(start_paused = true)]
async fn a_feed_is_told_again_to_who_lost_it_and_its_log_alone_to_who_asks_by_number() {
    let desk = TestProcess::with(Settings { queue_bytes: 6_000, ..Settings::default() });
    let first = commit(&desk, "1");
    *desk.backend.waits.lock() = Some((FEED, vec![first]));
    let client = desk.connect(Dialect::Plain, &["awa"]);
    assert_eq!(heard(&client).await, (1, true));
    for n in 2..=5 {
        let event = commit(&desk, &n.to_string().repeat(2_000));
        publish(&desk, event);
    }
    tokio::task::yield_now().await;
    assert_eq!([heard(&client).await.0, heard(&client).await.0], [2, 3]);
    for _ in 0..2 {
        assert_eq!(client.next().await.event, "resume");
    }
    // The topic was joined again automatically, and starts with the backlog.
    assert_eq!(heard(&client).await, (1, true));
    client.text(&format!(r#"{{"event":"join","topic":"{FEED}","payload":{{"after_seq":3}},"ref":"j"}}"#));
    let reply = client.next().await;
    assert_eq!(reply.payload["payload"]["response"]["replayed"], 2, "{reply:?}");
    assert_eq!([heard(&client).await, heard(&client).await], [(4, true), (5, true)]);
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_connection_that_ends_while_it_is_told_stays_behind() {
    let desk = TestProcess::with(Settings { queue_bytes: 20_000, ..Settings::default() });
    let waiting: Vec<Event> = (0..100).map(|_| commit(&desk, &"x".repeat(2_000))).collect();
    *desk.backend.waits.lock() = Some((FEED, waiting));
    let client = desk.connect(Dialect::Plain, &["awa"]);
    heard(&client).await;
    client.inbound(crate::session::socket::Inbound::Close);
    desk.all_gone().await;
    assert!(!desk.hub.is_online(TENANT, user("awa")));
    assert_eq!(desk.hub.topic_count(), 0);
}
