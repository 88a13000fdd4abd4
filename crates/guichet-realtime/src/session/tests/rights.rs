//! Rights that change while channels are open.

use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use uuid::Uuid;

use super::clients::{BARE_ROOM, Client, ROOM, TestProcess};
use super::fakes::{TENANT, user};
use crate::Settings;
use crate::hub::event::Event;

const OTHER: &str = "realtime:chat:room:2";

fn reason(payload: &Value) -> &str {
    payload["reason"].as_str().unwrap()
}

/// As a trigger writes it.
fn awas_rights() -> Event {
    Event {
        tenant: TENANT,
        id: Uuid::now_v7(),
        topic: format!("rights:{}", user("awa")).into(),
        seq: 812,
        name: "rights:changed".into(),
        payload: RawValue::from_string("{}".to_owned()).unwrap(),
        copies: Vec::new(),
        side_events: Vec::new(),
        client: None,
    }
}

async fn in_both_rooms(desk: &TestProcess) -> Client {
    let mut client = desk.awa();
    client.join(ROOM, json!({})).await;
    client.join(OTHER, json!({})).await;
    client
}

#[tokio::test(start_paused = true)]
async fn a_channel_whose_right_is_gone_closes_and_the_others_go_on_untouched() {
    let desk = TestProcess::new();
    let mut client = in_both_rooms(&desk).await;
    desk.say("before");
    desk.backend.lost.lock().topics.push("chat:room:2");
    desk.hub.reauthorize_person(TENANT, user("awa"));
    assert_eq!(client.next().await.seq(), 1);
    let closed = client.next().await;
    assert_eq!((closed.event.as_str(), closed.topic.as_str()), ("phx_close", OTHER));
    assert_eq!(closed.join_ref, json!("2"), "of that join, and no other");
    assert!(reason(&closed.payload).starts_with("FORBIDDEN: "));
    desk.say("after");
    assert_eq!(client.next().await.seq(), 2, "without a seam, without a repeat");
    client.nothing().await;
    assert_eq!(desk.hub.topic_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_else_is_asked() {
    let desk = TestProcess::new();
    let mut client = in_both_rooms(&desk).await;
    desk.hub.reauthorize_person(TENANT, user("emma"));
    client.nothing().await;
    assert_eq!(desk.backend.lost.lock().asked, 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_revoked_loses_everything_and_comes_back_with_a_newer_token() {
    let desk = TestProcess::new();
    let mut client = in_both_rooms(&desk).await;
    desk.backend.lost.lock().person = true;
    desk.hub.reauthorize_person(TENANT, user("awa"));
    for _ in 0..2 {
        let ended = client.next().await;
        assert_eq!(ended.event, "phx_error");
        assert!(reason(&ended.payload).starts_with("TOKEN_REVOKED: "));
    }
    assert!(!desk.hub.is_online(TENANT, user("awa")));
    assert_eq!(client.join(ROOM, json!({})).await.status(), "error", "nobody acts here any more");
    desk.say("unheard");
    client.nothing().await;
    desk.backend.lost.lock().person = false;
    let newer = json!({"config": {}, "access_token": "awa"});
    assert_eq!(client.join_with(ROOM, newer).await.status(), "ok");
}

#[tokio::test(start_paused = true)]
async fn a_loss_that_comes_while_a_join_waits_for_its_right_ends_the_join() {
    let desk = TestProcess::new();
    let mut client = desk.awa();
    client.nothing().await;
    // The backend authorizes, and before the answer arrives the right is lost.
    let hub = std::sync::Arc::clone(&desk.hub);
    let lost = std::sync::Arc::clone(&desk.backend);
    *desk.backend.as_granted.lock() = Some(Box::new(move || {
        lost.lost.lock().topics.push(BARE_ROOM);
        hub.reauthorize_person(TENANT, user("awa"));
    }));
    assert_eq!(client.join(ROOM, json!({})).await.status(), "ok");
    let closed = client.next().await;
    assert_eq!((closed.event.as_str(), closed.topic.as_str()), ("phx_close", ROOM));
    assert_eq!(desk.hub.topic_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn while_nobody_can_answer_it_is_asked_again_and_a_right_that_stands_stays() {
    let desk = TestProcess::new();
    let mut client = in_both_rooms(&desk).await;
    desk.backend.lost.lock().away = true;
    desk.hub.reauthorize_person(TENANT, user("awa"));
    tokio::time::sleep(Duration::from_secs(5)).await;
    client.nothing().await;
    desk.backend.lost.lock().away = false;
    desk.backend.lost.lock().topics.push("chat:room:2");
    let closed = client.next().await;
    assert_eq!((closed.event.as_str(), closed.topic.as_str()), ("phx_close", OTHER));
    tokio::time::sleep(Duration::from_secs(20)).await;
    desk.say("heard");
    assert_eq!(client.next().await.seq(), 1);
    let asked = desk.backend.lost.lock().asked;
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(desk.backend.lost.lock().asked, asked, "answered is answered");
}

#[tokio::test(start_paused = true)]
async fn a_subscription_does_not_outlive_ten_seconds_without_an_answer() {
    let desk = TestProcess::new();
    let mut client = in_both_rooms(&desk).await;
    desk.backend.lost.lock().away = true;
    let asked = tokio::time::Instant::now();
    desk.hub.reauthorize_person(TENANT, user("awa"));
    // Further changes do not delay it.
    tokio::time::sleep(Duration::from_secs(8)).await;
    desk.hub.reauthorize_person(TENANT, user("awa"));
    for _ in 0..2 {
        let ended = client.next().await;
        assert_eq!(ended.event, "phx_error");
        assert!(reason(&ended.payload).starts_with("RESUME"));
    }
    assert!(asked.elapsed() <= Duration::from_millis(10_500), "{:?}", asked.elapsed());
    assert_eq!(desk.hub.topic_count(), 0);
    client.nothing().await;
}

#[tokio::test(start_paused = true)]
async fn who_never_pauses_is_asked_all_the_same() {
    let desk = TestProcess::with(Settings { frames_per_10s: 0, ..Settings::default() });
    let mut client = in_both_rooms(&desk).await;
    desk.backend.lost.lock().topics.push("chat:room:2");
    desk.hub.reauthorize_person(TENANT, user("awa"));
    for _ in 0..1_000 {
        client.push("phoenix", "heartbeat", json!({}));
    }
    let first = client.next().await;
    assert_eq!(
        (first.event.as_str(), first.topic.as_str()),
        ("phx_close", OTHER),
        "before any frame is read"
    );
}

#[tokio::test(start_paused = true)]
async fn another_token_of_the_same_person_asks_again() {
    let desk = TestProcess::new();
    let mut client = in_both_rooms(&desk).await;
    desk.backend.lost.lock().topics.push("chat:room:2");
    let end = desk.clock.now().as_millis() + 3_600_000;
    client.push(ROOM, "access_token", json!({"access_token": format!("awa@{end}")}));
    let closed = client.next().await;
    assert_eq!((closed.event.as_str(), closed.topic.as_str()), ("phx_close", OTHER));
    desk.say("still here");
    assert_eq!(client.next().await.seq(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_tail_brings_what_another_process_changed_and_nothing_of_it_to_sockets() {
    let desk = TestProcess::new().relayed();
    let mut client = in_both_rooms(&desk).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    desk.backend.lost.lock().topics.push("chat:room:2");
    desk.log.put(awas_rights());
    let closed = client.next().await;
    assert_eq!((closed.event.as_str(), closed.topic.as_str()), ("phx_close", OTHER));
    assert_eq!(*desk.backend.forgotten.lock(), [user("awa")], "before its sessions ask again");
    client.nothing().await;
}

#[tokio::test(start_paused = true)]
async fn a_change_in_this_process_wakes_the_tail() {
    let desk = TestProcess::new().relayed();
    let client = in_both_rooms(&desk).await;
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    desk.backend.lost.lock().topics.push("chat:room:2");
    let before = tokio::time::Instant::now();
    desk.log.put(awas_rights());
    // A person who was unknown where the change was made.
    desk.hub.reauthorize_people(TENANT, &[]);
    assert_eq!(client.next().await.event, "phx_close");
    assert!(before.elapsed() < Duration::from_millis(50), "{:?}", before.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_changed_before_the_tail_begins_is_asked_when_it_does() {
    let desk = TestProcess::new();
    let client = in_both_rooms(&desk).await;
    desk.backend.lost.lock().topics.push("chat:room:2");
    // Its row lies before the first horizon that the tail reads.
    desk.log.put(awas_rights());
    let desk = desk.relayed();
    let closed = client.next().await;
    assert_eq!((closed.event.as_str(), closed.topic.as_str()), ("phx_close", OTHER));
    drop(desk);
}
