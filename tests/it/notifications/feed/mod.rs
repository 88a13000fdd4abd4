//! Feeds over REST.

mod analytics;
mod clock;
mod cursors;
mod groups;
mod list;
mod many;
mod marks;
mod random;
mod sockets;
mod strangers;

use std::collections::BTreeMap;

use guichet_base::Timestamp;
use serde_json::{Value, json};

use super::rows::{self, task};
use crate::harness::{Api, ApiResponse, ChatFixture, TestServer};

/// Without a rate limit for pushes.
pub fn unthrottled() -> ChatFixture {
    ChatFixture::on_server(TestServer::start_with(&[("NOTIFICATION_RATE_PER_MIN", "1000")]))
}

/// Announces a task to Emma, and returns the id.
pub async fn tell(world: &ChatFixture, title: &str) -> String {
    announce(world, task(world.server.user("emma").id, title)).await
}

/// Announces an event to Emma, and returns the id of her notification.
pub async fn announce(world: &ChatFixture, event: Value) -> String {
    let progress = world.service.post("/events", event).await.data().clone();
    assert_eq!(progress["written"], 1, "{progress}");
    let id = progress["id"].as_str().unwrap().to_owned();
    let text = format!("SELECT id::text AS text FROM notifications WHERE event_id = '{id}'");
    rows::words(&world.server, &text).pop().unwrap()
}

/// The same, expiring after some seconds.
pub async fn tell_for(world: &ChatFixture, title: &str, seconds: u64) -> String {
    let mut event = task(world.server.user("emma").id, title);
    event["expires_at"] = json!(later(world, seconds));
    announce(world, event).await
}

pub fn later(world: &ChatFixture, seconds: u64) -> Timestamp {
    world.server.clock.now().plus(std::time::Duration::from_secs(seconds))
}

/// The titles of a list, without the template's addition.
pub async fn titles(by: &Api, query: &str) -> Vec<String> {
    titles_of(by.get(&format!("/notifications{query}")).await.data())
}

pub fn titles_of(items: &Value) -> Vec<String> {
    let name = |title: &str| title.rsplit(": ").next().unwrap_or(title).to_owned();
    items.as_array().unwrap().iter().map(|item| name(item["title"].as_str().unwrap())).collect()
}

/// The counter, checked to be the same in every response that has it.
pub async fn unread(world: &ChatFixture, by: &Api) -> i64 {
    let waiting = by.get("/notifications/unread?limit=200").await.data().clone();
    let count = waiting["count"].as_i64().unwrap();
    assert_eq!(waiting["items"].as_array().unwrap().len(), usize::try_from(count.min(200)).unwrap());
    assert_eq!(by.get("/me").await.data()["unread"]["notifications"], count);
    assert_eq!(by.get("/notifications?limit=1").await.body["meta"]["unread"], count);
    assert_eq!(rows::number(&world.server, rows::MISCOUNTED), 0);
    count
}

/// One action by its path.
pub async fn act(by: &Api, id: &str, deed: &str) -> ApiResponse {
    by.post(&format!("/notifications/{id}/{deed}"), json!({})).await
}

/// The events of feeds after the number `after`, by name.
pub fn told_after(world: &ChatFixture, after: i64) -> BTreeMap<String, Vec<Value>> {
    let text = format!(
        "SELECT json_build_array(event, payload, seq)::text AS text FROM outbox WHERE seq > {after} \
         AND topic LIKE 'client:notifications:%' ORDER BY seq"
    );
    let mut told = BTreeMap::<String, Vec<Value>>::new();
    for line in rows::words(&world.server, &text) {
        let event: Value = serde_json::from_str(&line).unwrap();
        told.entry(event[0].as_str().unwrap().to_owned()).or_default().push(event[1].clone());
    }
    told
}

/// The head of Emma's topic.
pub fn head(world: &ChatFixture) -> i64 {
    let emma = world.server.user("emma").id;
    rows::number(&world.server, &format!("SELECT head FROM notification_feeds WHERE user_id = '{emma}'"))
}

/// Numbers of outbox rows that are missing or duplicated, over all feeds.
pub const HOLES: &str = "SELECT count(*) FROM notification_feeds f WHERE f.head <> (SELECT count(DISTINCT seq) FROM outbox o \
    WHERE o.topic = 'client:notifications:' || f.user_id) OR f.head <> (SELECT coalesce(max(seq), 0) FROM outbox o \
    WHERE o.topic = 'client:notifications:' || f.user_id)";
