//! Events from the background tasks of the hub.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use super::clients::{BARE_ROOM, ROOM, TestProcess};

#[tokio::test(start_paused = true)]
async fn a_hole_is_filled_from_the_log() {
    let desk = TestProcess::new().relayed();
    let mut client = desk.awa();
    client.join(ROOM, json!({})).await;
    desk.log.down.store(true, Ordering::Relaxed);
    desk.log.commit(BARE_ROOM, "{}");
    desk.log.commit(BARE_ROOM, "{}");
    desk.say("the third alone was published");
    client.nothing().await;
    desk.log.down.store(false, Ordering::Relaxed);
    for seq in 1..=3 {
        assert_eq!(client.next().await.seq(), seq);
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_process_committed_comes_with_the_tail_also_after_an_outage() {
    let desk = TestProcess::new().relayed();
    let mut client = desk.awa();
    client.join(ROOM, json!({})).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    desk.log.commit(BARE_ROOM, "{}");
    assert_eq!(client.next().await.seq(), 1);
    desk.log.down.store(true, Ordering::Relaxed);
    desk.log.commit(BARE_ROOM, "{}");
    tokio::time::sleep(Duration::from_secs(10)).await;
    client.nothing().await;
    desk.log.down.store(false, Ordering::Relaxed);
    assert_eq!(client.next().await.seq(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_hole_that_the_log_cannot_fill_sends_everyone_back_to_the_log() {
    let desk = TestProcess::new().relayed();
    let mut client = desk.awa();
    client.join(ROOM, json!({})).await;
    desk.log.commit(BARE_ROOM, "{}");
    let second = desk.log.commit(BARE_ROOM, "{}");
    desk.log.forgotten.store(1, Ordering::Relaxed);
    desk.hub.publish(second);
    let ended = client.next().await;
    assert_eq!(ended.event, "phx_error");
    assert!(ended.payload["reason"].as_str().unwrap().starts_with("RESUME"));
    assert_eq!(client.join(ROOM, json!({})).await.response()["last_seq"], 2);
}

#[tokio::test(start_paused = true)]
async fn the_host_hears_what_was_handed_over() {
    let desk = TestProcess::new().relayed();
    let mut client = desk.awa();
    client.join(ROOM, json!({})).await;
    for n in 0..10 {
        desk.say(&n.to_string());
    }
    for seq in 1..=10 {
        assert_eq!(client.next().await.seq(), seq);
    }
    while desk.backend.receipts.lock().is_empty() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let receipts = desk.backend.receipts.lock();
    assert_eq!((receipts.len(), receipts[0].up_to, &*receipts[0].topic), (1, 10, BARE_ROOM));
}
