//! Presence of sessions, with the driver and a clock that moves.

use std::sync::atomic::Ordering;
use std::time::Duration;

use guichet_base::PresenceStatus;
use serde_json::{Value, json};

use super::clients::{Client, ROOM, TestProcess};
use super::fakes::{TENANT, user};
use crate::session::LOOK_EVERY;
use crate::wire::Dialect;

fn presence() -> Value {
    json!({"presence": {"enabled": true, "key": ""}})
}

/// The next presence frame.
async fn presence_frame(client: &Client) -> (String, Value) {
    loop {
        let got = client.next().await;
        if got.event.starts_with("presence_") {
            return (got.event, got.payload);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_state_follows_the_reply_and_differences_follow_the_state() {
    for dialect in [Dialect::V1, Dialect::V2] {
        let desk = TestProcess::new().relayed();
        let mut awa = desk.connect(dialect, &["awa"]);
        assert_eq!(awa.join(ROOM, presence()).await.status(), "ok");
        let state = awa.next().await;
        assert_eq!((state.event.as_str(), state.topic.as_str()), ("presence_state", ROOM));
        let mut emma = desk.connect(dialect, &["emma"]);
        emma.join(ROOM, json!({})).await;
        let (event, diff) = presence_frame(&awa).await;
        assert_eq!(event, "presence_diff");
        assert!(diff["joins"].get(user("emma").to_string()).is_some(), "{diff}");
        emma.nothing().await;
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_asked_for_no_presence_is_sent_none_and_may_track() {
    let desk = TestProcess::new().relayed();
    let (mut awa, mut emma) = (desk.awa(), desk.connect(Dialect::V2, &["emma"]));
    awa.join(ROOM, json!({})).await;
    emma.join(ROOM, presence()).await;
    awa.push(ROOM, "presence", json!({"event": "TRACK", "payload": {"n": 1}}));
    assert_eq!(awa.next().await.status(), "ok");
    loop {
        let (_, payload) = presence_frame(&emma).await;
        let meta = &payload["joins"][user("awa").to_string()]["metas"][0];
        if meta["n"] == 1 {
            break;
        }
    }
    awa.nothing().await;
}

#[tokio::test(start_paused = true)]
async fn a_leave_shows_at_once_and_a_lost_connection_after_the_grace() {
    let desk = TestProcess::new().relayed();
    let (mut awa, mut emma) = (desk.awa(), desk.connect(Dialect::V2, &["emma"]));
    awa.join(ROOM, presence()).await;
    for lost in [false, true] {
        emma.join(ROOM, json!({})).await;
        let (_, joined) = presence_frame(&awa).await;
        let joined = if joined.get("joins").is_some() { joined } else { presence_frame(&awa).await.1 };
        assert!(joined["joins"].get(user("emma").to_string()).is_some(), "{joined}");
        if lost {
            drop(emma);
            tokio::time::sleep(Duration::from_secs(20)).await;
            awa.nothing().await;
            desk.clock.advance(Duration::from_secs(31));
            let (_, diff) = presence_frame(&awa).await;
            assert!(diff["leaves"].get(user("emma").to_string()).is_some(), "{diff}");
            return;
        }
        emma.push(ROOM, "phx_leave", json!({}));
        assert_eq!(emma.next().await.status(), "ok");
        assert_eq!(emma.next().await.event, "phx_close");
        let (_, diff) = presence_frame(&awa).await;
        assert!(diff["leaves"].get(user("emma").to_string()).is_some(), "{diff}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_forged_key_is_refused_and_leaves_nothing_behind() {
    let desk = TestProcess::new();
    let mut awa = desk.awa();
    let key = user("emma").to_string();
    let refused = awa.join(ROOM, json!({"presence": {"enabled": true, "key": key}})).await;
    assert_eq!(refused.status(), "error");
    assert!(refused.response()["reason"].as_str().unwrap().starts_with("FORBIDDEN"));
    assert_eq!((desk.hub.topic_count(), desk.hub.presence().roster_count()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn heartbeats_are_no_activity_and_everything_else_is() {
    let desk = TestProcess::new();
    let mut awa = desk.awa();
    awa.join(ROOM, json!({})).await;
    let status = || desk.hub.status(TENANT, user("awa"));
    desk.clock.advance(Duration::from_secs(121));
    awa.nothing().await;
    assert_eq!(status(), PresenceStatus::Idle);
    let broadcast = json!({"event": "cursor", "payload": {}});
    let pushes =
        [("broadcast", broadcast), ("presence", json!({"event": "untrack"})), ("messaging:send", json!({}))];
    for (event, payload) in pushes {
        desk.clock.advance(Duration::from_secs(121));
        assert_eq!(status(), PresenceStatus::Idle);
        awa.push(ROOM, event, payload);
        if event != "broadcast" {
            awa.next().await;
        }
        awa.nothing().await;
        assert_eq!(status(), PresenceStatus::Online, "{event}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_host_is_asked_for_many_at_once_and_again_where_it_failed() {
    let desk = TestProcess::new().relayed();
    let mut watcher = desk.connect(Dialect::V2, &["emma"]);
    watcher.join("realtime:tenant", json!({})).await;
    desk.backend.is_away.store(true, Ordering::Relaxed);
    let people: Vec<Client> = (0..200).map(|n| desk.connect(Dialect::V2, &[&format!("person{n}")])).collect();
    tokio::time::sleep(Duration::from_secs(3)).await;
    desk.backend.is_away.store(false, Ordering::Relaxed);
    desk.backend.asked.lock().clear();
    for _ in &people {
        let got = watcher.next().await;
        assert_eq!(got.payload["payload"]["status"], "online", "{got:?}");
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    let asked = std::mem::take(&mut *desk.backend.asked.lock());
    assert!(asked.len() <= 2 && asked.iter().sum::<usize>() >= 200, "{asked:?}");
    // Nothing is due: no audience is loaded, and no one is examined.
    tokio::time::sleep(LOOK_EVERY).await;
    assert!(desk.backend.asked.lock().is_empty());
    let seen = desk.backend.seen.lock();
    assert_eq!(seen.iter().filter(|(who, _)| *who == user("person7")).count(), 1, "written once");
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_has_the_right_picture_in_the_end() {
    let desk = TestProcess::new().relayed();
    let mut slow = desk.awa();
    slow.join(ROOM, presence()).await;
    // More diffs than its queue holds.
    let mut emma = desk.connect(Dialect::V2, &["emma"]);
    emma.join(ROOM, json!({})).await;
    let large = "x".repeat(4_000);
    for n in 0..90 {
        emma.push(ROOM, "presence", json!({"event": "track", "payload": {"n": n, "large": large}}));
        assert_eq!(emma.next().await.status(), "ok");
        tokio::time::sleep(Duration::from_millis(10)).await;
        desk.clock.advance(Duration::from_millis(200));
    }
    let id = user("emma").to_string();
    let (mut picture, mut states) = (json!({}), 0);
    while picture[&id]["metas"][0]["n"] != 89 {
        let (event, payload) = presence_frame(&slow).await;
        match event.as_str() {
            "presence_state" => {
                picture = payload;
                states += 1;
            }
            _ => {
                for (key, entry) in payload["joins"].as_object().unwrap() {
                    picture[key] = entry.clone();
                }
            }
        }
    }
    assert!(states > 1, "what was lost came as a new picture");
}
