//! Many clients return at once: missed events are read once for all, and each client gets all of its own.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::future::join_all;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::clients::{BARE_ROOM, ROOM, TestProcess};
use super::fakes::{FakeLog, TENANT};
use crate::Settings;
use crate::log::ReplayLog;
use crate::log::replay::ReplayReader;
use crate::wire::Dialect;

const MANY: usize = 200;

fn after(seq: i64) -> Value {
    json!({"broadcast": {"replay": {"after_seq": seq}}})
}

fn settings() -> Settings {
    Settings { connections_per_person: 0, ..Settings::default() }
}

#[tokio::test(start_paused = true)]
async fn what_many_missed_is_read_once() {
    let desk = TestProcess::with(settings());
    for n in 0..100 {
        desk.say(&n.to_string());
    }
    let returning = (0..MANY).map(|_| async {
        let mut client = desk.awa();
        let reply = client.join(ROOM, after(0)).await;
        assert_eq!((reply.status(), &reply.response()["replayed"]), ("ok", &json!(100)));
        for seq in 1..=100 {
            assert_eq!(client.next().await.seq(), seq);
        }
        client.nothing().await;
    });
    join_all(returning).await;
    assert_eq!(desk.log.pages.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn each_gets_their_own_part_in_their_own_serialization() {
    let desk = TestProcess::with(settings());
    for n in 0..300 {
        desk.say(&n.to_string());
    }
    let returning = (0..MANY).map(|number| {
        let desk = &desk;
        async move {
            let dialect = if number % 3 == 0 { Dialect::V1 } else { Dialect::V2 };
            let topic = if number % 2 == 0 { ROOM } else { BARE_ROOM };
            let missed_from = i64::try_from(number * 7 % 300).unwrap();
            let mut client = desk.connect(dialect, &["awa"]);
            client.join(topic, after(missed_from)).await;
            for seq in missed_from + 1..=300 {
                let got = client.next().await;
                assert_eq!((got.seq(), &*got.topic), (seq, topic));
            }
            client.nothing().await;
        }
    });
    join_all(returning).await;
    let pages = desk.log.pages.load(Ordering::Relaxed);
    assert!(pages <= 3, "{pages} readings for one room");
}

#[tokio::test(start_paused = true)]
async fn a_room_that_goes_on_meanwhile_is_heard_once_and_in_order() {
    let desk = TestProcess::with(Settings { queue_bytes: 40_000, ..settings() });
    for n in 0..150 {
        desk.say(&n.to_string());
    }
    let returning = (0..50).map(|number| {
        let desk = &desk;
        async move {
            let mut client = desk.awa();
            client.join(ROOM, after(number)).await;
            for seq in number + 1..=200 {
                if seq == number + 20 {
                    desk.say("meanwhile");
                }
                assert_eq!(client.next().await.seq(), seq);
            }
        }
    });
    join_all(returning).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_read_for_whoever_may_not_hear() {
    let desk = TestProcess::new();
    desk.log.commit("secret:1", "{}");
    let mut client = desk.awa();
    let reply = client.join("secret:1", after(0)).await;
    assert_eq!(reply.status(), "error");
    assert_eq!(desk.log.pages.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_read_is_forgotten_when_nobody_asks_any_more() {
    let desk = TestProcess::with(settings()).relayed();
    desk.say("one");
    for readings in 1..=2 {
        for _ in 0..3 {
            let mut client = desk.awa();
            client.join(ROOM, after(0)).await;
            assert_eq!(client.next().await.seq(), 1);
        }
        assert_eq!(desk.log.pages.load(Ordering::Relaxed), readings);
        tokio::time::advance(std::time::Duration::from_secs(30)).await;
        tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_reading_that_failed_is_made_again_by_the_next() {
    let desk = TestProcess::with(settings());
    desk.say("one");
    desk.log.down.store(true, Ordering::Relaxed);
    let mut client = desk.awa();
    assert_eq!(client.join(ROOM, after(0)).await.status(), "error");
    desk.log.down.store(false, Ordering::Relaxed);
    client.join(ROOM, after(0)).await;
    assert_eq!(client.next().await.seq(), 1);
}

#[tokio::test]
async fn memory_is_bounded_whatever_is_asked_for() {
    let log = Arc::new(FakeLog::default());
    let replays = ReplayReader::new(Arc::clone(&log) as Arc<dyn ReplayLog>, 50_000);
    for topic in 0..40 {
        let topic = format!("t{topic}");
        for _ in 0..20 {
            log.commit(&topic, &format!(r#"{{"x":"{}"}}"#, "x".repeat(200)));
        }
        assert!(replays.read(TENANT, &topic, 0, 20).await.unwrap().is_some());
        assert!(replays.cached_bytes() <= 50_000);
    }
    let large = format!(r#"{{"x":"{}"}}"#, "x".repeat(60_000));
    log.commit("large", &large);
    assert!(replays.read(TENANT, "large", 0, 1).await.unwrap().is_some(), "too large to keep, not to give");
    assert!(replays.cached_bytes() <= 50_000);
}

proptest! {
    /// Whatever was read before, in whatever order, while events are added and dropped: a reader gets the next number
    /// and contiguous events after it, or learns that the log does not have it.
    #[test]
    fn every_reading_is_the_next_stretch(
        steps in proptest::collection::vec((0..120i64, 0..4u8, 1..30i64), 1..60),
        bound in prop_oneof![Just(2_000usize), Just(1_000_000)],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async move {
            let log = Arc::new(FakeLog::default());
            let replays = ReplayReader::new(Arc::clone(&log) as Arc<dyn ReplayLog>, bound);
            for (after, kind, more) in steps {
                if kind == 0 {
                    for _ in 0..more {
                        log.commit("t", "{}");
                    }
                }
                if kind == 1 && bound == 2_000 {
                    log.forgotten.fetch_max(more, Ordering::Relaxed);
                }
                let head = log.head("t");
                if after >= head {
                    continue;
                }
                match replays.read(TENANT, "t", after, head).await.unwrap() {
                    Some(stretch) => {
                        prop_assert!(stretch.contains_seq(after + 1));
                        prop_assert!(stretch.last() <= log.head("t"));
                    }
                    None => prop_assert!(after < log.forgotten.load(Ordering::Relaxed)),
                }
                prop_assert!(replays.cached_bytes() <= bound);
            }
            Ok(())
        })?;
    }
}
