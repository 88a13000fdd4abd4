//! Resume: missed events, then live ones, without a gap.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::clients::{ROOM, TestProcess};
use crate::Settings;

fn after(seq: i64) -> Value {
    json!({"broadcast": {"replay": {"after_seq": seq}}})
}

#[tokio::test(start_paused = true)]
async fn more_than_the_log_can_give_is_said_to_be_reset() {
    let desk = TestProcess::new();
    for n in 0..1_200 {
        desk.say(&n.to_string());
    }
    let mut client = desk.awa();
    for too_far in [after(199), after(1_201)] {
        let reply = client.join(ROOM, too_far).await;
        let response = reply.response();
        assert_eq!((&response["resume"], &response["head"]), (&json!("reset"), &json!(1_200)));
        assert_eq!((&response["replayed"], &response["last_seq"]), (&json!(0), &json!(1_200)));
    }
    desk.log.forgotten.store(1_190, Ordering::Relaxed);
    assert_eq!(client.join(ROOM, after(1_180)).await.response()["resume"], "reset");
    desk.say("live");
    assert_eq!(client.next().await.seq(), 1_201);
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_comes_first_then_live_in_order_once() {
    let desk = TestProcess::new();
    for n in 0..100 {
        desk.say(&n.to_string());
    }
    let mut client = desk.awa();
    let reply = client.join(ROOM, after(10)).await;
    assert_eq!(
        (&reply.response()["resume"], &reply.response()["replayed"]),
        (&json!("complete"), &json!(90))
    );
    for _ in 0..20 {
        desk.say("meanwhile");
    }
    for seq in 11..=120 {
        let event = client.next().await;
        assert_eq!(event.seq(), seq);
        if seq <= 100 {
            assert_eq!(event.payload["meta"]["replayed"], true);
        }
    }
    desk.say("live");
    let live = client.next().await;
    assert_eq!((live.seq(), &live.payload["meta"]["replayed"]), (121, &Value::Null));
    client.nothing().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_missed_is_complete_at_once() {
    let desk = TestProcess::new();
    desk.say("one");
    let mut client = desk.awa();
    let reply = client.join(ROOM, after(1)).await;
    assert_eq!((&reply.response()["resume"], &reply.response()["replayed"]), (&json!("complete"), &json!(0)));
    client.nothing().await;
}

#[tokio::test(start_paused = true)]
async fn since_gives_the_newest_and_says_when_it_cuts() {
    let desk = TestProcess::new();
    for n in 0..40 {
        desk.say(&n.to_string());
    }
    let mut client = desk.awa();
    let since =
        |limit: Value| json!({"private": true, "broadcast": {"replay": {"since": 1, "limit": limit}}});
    let reply = client.join(ROOM, since(Value::Null)).await;
    assert_eq!(
        (&reply.response()["resume"], &reply.response()["replayed"]),
        (&json!("truncated"), &json!(25))
    );
    for seq in 16..=40 {
        assert_eq!(client.next().await.seq(), seq);
    }
    let reply = client.join(ROOM, since(json!(1_000))).await;
    assert_eq!(
        (&reply.response()["resume"], &reply.response()["replayed"]),
        (&json!("complete"), &json!(40))
    );
    assert_eq!(client.next().await.seq(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_told_to_resume_and_gets_the_rest() {
    let desk = TestProcess::with(Settings { queue_bytes: 8_000, ..Settings::default() });
    let mut client = desk.awa();
    client.join(ROOM, json!({})).await;
    for n in 0..200 {
        desk.say(&n.to_string());
    }
    let mut last = 0;
    loop {
        let got = client.next().await;
        if got.event == "phx_error" {
            assert!(got.payload["reason"].as_str().unwrap().starts_with("RESUME"));
            assert!(got.join_ref.is_string(), "{got:?}");
            break;
        }
        assert_eq!(got.seq(), last + 1);
        last += 1;
    }
    assert!(last < 200);
    client.join(ROOM, after(last)).await;
    for seq in last + 1..=200 {
        assert_eq!(client.next().await.seq(), seq);
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_away_ends_the_channel_so_that_it_comes_back() {
    let desk = TestProcess::new();
    desk.say("one");
    let mut client = desk.awa();
    desk.log.down.store(true, Ordering::Relaxed);
    let refused = client.join(ROOM, after(0)).await;
    assert_eq!(refused.status(), "error");
    assert!(refused.response()["reason"].as_str().unwrap().starts_with("UNAVAILABLE"));
    desk.log.down.store(false, Ordering::Relaxed);
    assert_eq!(client.join(ROOM, after(0)).await.status(), "ok");
    assert_eq!(client.next().await.seq(), 1);
}
