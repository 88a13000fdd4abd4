//! Limits, and how connections end.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use super::clients::{ROOM, TestProcess};
use super::fakes::{TENANT, user};
use crate::Settings;
use crate::session::socket::Inbound;
use crate::wire::Dialect;
use crate::wire::frame::CloseCode;

#[tokio::test(start_paused = true)]
async fn the_sixth_connection_supersedes_the_oldest_which_stays_idle() {
    let desk = TestProcess::new();
    let mut oldest = desk.awa();
    let joined = oldest.join(ROOM, json!({})).await;
    let mut others = Vec::new();
    for _ in 0..5 {
        let mut other = desk.awa();
        other.join(ROOM, json!({})).await;
        others.push(other);
    }
    let close = oldest.next().await;
    assert_eq!((close.event.as_str(), close.reference), ("phx_close", joined.join_ref));
    oldest.nothing().await;
    desk.say("to five");
    for other in &others {
        assert_eq!(other.next().await.seq(), 1);
    }
    oldest.nothing().await;
    assert!(desk.hub.is_online(TENANT, user("awa")));
}

#[tokio::test(start_paused = true)]
async fn a_connection_has_a_hundred_topics_at_most() {
    let desk = TestProcess::with(Settings { topics_per_connection: 3, ..Settings::default() });
    let mut client = desk.awa();
    for room in 0..3 {
        assert_eq!(client.join(&format!("realtime:room:{room}"), json!({})).await.status(), "ok");
    }
    let refused = client.join("realtime:room:3", json!({})).await;
    assert!(refused.response()["reason"].as_str().unwrap().starts_with("ChannelRateLimitReached"));
    assert_eq!(client.join("realtime:room:2", json!({})).await.status(), "ok", "a repeat is no more");
}

#[tokio::test(start_paused = true)]
async fn a_flood_is_answered_and_then_closed() {
    let desk = TestProcess::new();
    let mut client = desk.awa();
    client.join(ROOM, json!({})).await;
    for _ in 0..121 {
        client.push(ROOM, "presence", json!({"event": "track"}));
    }
    for _ in 0..120 {
        assert_eq!(client.next().await.status(), "ok");
    }
    let refused = client.next().await;
    assert_eq!(refused.response()["code"], "RATE_LIMITED");
    assert!(refused.response()["details"]["retry_after"].as_i64().unwrap() >= 1);
    client.nothing().await;
    for _ in 0..300 {
        client.push(ROOM, "presence", json!({"event": "track"}));
    }
    assert_eq!(client.close_code().await, 1008);
}

#[tokio::test(start_paused = true)]
async fn silence_is_closed_and_heartbeats_keep_an_idle_connection() {
    let desk = TestProcess::new();
    let mut idle = desk.connect(Dialect::V2, &[]);
    let silent = desk.awa();
    for _ in 0..12 {
        tokio::time::advance(Duration::from_secs(25)).await;
        idle.nothing().await;
    }
    assert_eq!(silent.close_code().await, 1008);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stands_still_is_given_up() {
    let desk = TestProcess::new();
    let mut client = desk.awa();
    client.join(ROOM, json!({})).await;
    desk.say("never read");
    for _ in 0..5 {
        tokio::time::advance(Duration::from_secs(21)).await;
        tokio::task::yield_now().await;
    }
    desk.all_gone().await;
    assert_eq!((desk.hub.topic_count(), desk.realtime.connection_count()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_breaks_a_limit_is_closed_with_its_code() {
    let desk = TestProcess::new();
    for (refusal, code) in [
        (CloseCode::MessageTooBig, 1009),
        (CloseCode::InvalidPayload, 1007),
        (CloseCode::ProtocolError, 1002),
    ] {
        let client = desk.awa();
        client.inbound(Inbound::Refused(refusal, "why"));
        assert_eq!(client.close_code().await, code);
    }
    let client = desk.awa();
    client.inbound(Inbound::Ping("hello".into()));
    assert_eq!(client.raw().await, Some((10, "hello".into())));
    client.inbound(Inbound::Close);
    assert_eq!(client.close_code().await, 1000);
}

#[tokio::test(start_paused = true)]
async fn strangers_make_room_for_those_who_come_after_them() {
    let desk = TestProcess::with(Settings { max_unauthenticated: 2, ..Settings::default() });
    let mut awa = desk.awa();
    awa.join(ROOM, json!({})).await;
    let first = desk.connect(Dialect::V2, &[]);
    let mut second = desk.connect(Dialect::V2, &["bad"]);
    let mut emma = desk.connect(Dialect::V2, &["emma"]);
    assert_eq!(first.close_code().await, 1008);
    second.nothing().await;
    emma.nothing().await;
    awa.nothing().await;
}

#[tokio::test(start_paused = true)]
async fn one_persons_superseded_connections_are_bounded_however_they_beat() {
    let settings = Settings { connections_per_person: 2, max_unauthenticated: 3, ..Settings::default() };
    let desk = TestProcess::with(settings);
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut client = desk.awa();
        assert_eq!(client.join(ROOM, json!({})).await.status(), "ok");
        clients.push(client);
    }
    let (gone, open) = clients.split_at_mut(15);
    for client in gone {
        assert_eq!(client.close_code().await, 1008);
    }
    // A join makes an idle connection count again, in place of the one that is now the oldest.
    assert_eq!(open[0].next().await.event, "phx_close");
    assert_eq!(open[0].join(ROOM, json!({})).await.status(), "ok");
    assert_eq!(open[3].next().await.event, "phx_close");
    assert_eq!(desk.realtime.connection_count(), 5);
    assert_eq!(desk.realtime.unauthenticated.lock().len(), 3);
    assert_eq!(desk.backend.open.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_token_ended_makes_room_as_a_stranger_does() {
    let desk = TestProcess::with(Settings { max_unauthenticated: 1, ..Settings::default() });
    let end = desk.clock.now().as_millis() + 30_000;
    let mut ended = desk.connect(Dialect::V2, &[&format!("awa@{end}")]);
    ended.nothing().await;
    desk.clock.advance(Duration::from_secs(31));
    tokio::time::advance(Duration::from_secs(31)).await;
    ended.nothing().await;
    let mut stranger = desk.connect(Dialect::V2, &[]);
    assert_eq!(ended.close_code().await, 1008);
    stranger.nothing().await;
}

#[tokio::test(start_paused = true)]
async fn draining_tells_everyone_to_reconnect_and_takes_nobody_new() {
    let desk = TestProcess::new();
    let clients: Vec<_> = (0..50).map(|n| desk.connect(Dialect::V2, &[&format!("user{n}")])).collect();
    desk.realtime.drain(Duration::from_secs(3)).await;
    assert!(!desk.realtime.accepts_connections());
    for client in &clients {
        assert_eq!(client.close_code().await, 1012);
    }
    desk.all_gone().await;
    assert_eq!(desk.realtime.connection_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_never_waits_behind_what_cannot_be_read() {
    let desk = TestProcess::with(Settings { queue_bytes: 4_000, ..Settings::default() });
    let mut client = desk.awa();
    client.join(ROOM, json!({})).await;
    let mut emma = desk.connect(Dialect::V2, &["emma"]);
    emma.join(ROOM, json!({})).await;
    for _ in 0..40 {
        emma.push(
            ROOM,
            "broadcast",
            json!({"type": "broadcast", "event": "typing", "payload": {"x": "y".repeat(200)}}),
        );
    }
    emma.nothing().await;
    desk.say("durable");
    client.push("phoenix", "heartbeat", json!({}));
    let mut seen: Vec<String> = Vec::new();
    while seen.last().is_none_or(|event| event != "phx_reply") {
        let got = client.next().await;
        seen.push(if got.payload["meta"]["seq"] == 1 { "durable".into() } else { got.event });
    }
    assert!(seen.contains(&"durable".to_owned()), "{seen:?}");
}
