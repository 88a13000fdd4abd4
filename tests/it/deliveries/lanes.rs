//! Priority and independence of lanes.

use std::sync::Arc;
use std::time::Duration;

use guichet::deliveries::{self, Deliveries, Sender, Senders};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::fixture::{DeliveryFixture, MAIL, Planned, Provider, SenderBehavior};

#[tokio::test]
async fn an_alert_does_not_wait_behind_a_broadcast() {
    let desk = DeliveryFixture::new();
    desk.plan_many(&Planned { lane: 2, ..MAIL }, 1_000);
    desk.plan_many(&MAIL, 20);
    desk.advance(Duration::from_secs(1));
    let alert = desk.plan(&Planned { lane: 0, priority: "critical", ..MAIL });
    let provider = Provider::new();
    let mut room = desk.by(&provider);
    room.settings.concurrency = 4;
    deliveries::drain(&room).await.unwrap();
    let order = provider.ids();
    assert_eq!(order.len(), 1_021);
    let place = order.iter().position(|id| *id == alert).unwrap();
    assert!(place < 9, "it went among the first of each lane, not as number {place}");
}

#[tokio::test]
async fn of_one_lane_whoever_was_due_first_goes_first() {
    let desk = DeliveryFixture::new();
    let first = desk.mail();
    desk.advance(Duration::from_secs(1));
    let second = desk.mail();
    let provider = Provider::new();
    let mut room = desk.by(&provider);
    room.settings.concurrency = 1;
    deliveries::drain(&room).await.unwrap();
    assert_eq!(provider.ids(), [first, second]);
}

fn start(room: Deliveries) -> (CancellationToken, TaskTracker) {
    let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
    tracker.spawn(deliveries::run_worker(room, tracker.clone(), stop.clone()));
    tracker.close();
    (stop, tracker)
}

#[tokio::test]
async fn a_provider_that_hangs_holds_up_neither_other_channels_nor_alerts() {
    let desk = DeliveryFixture::new();
    let (hanging, other) = (Provider::new(), Provider::new());
    for _ in 0..2 {
        hanging.will(SenderBehavior::Hangs);
    }
    let mut room = desk.by(&other);
    room.settings.concurrency = 2;
    room.senders = Senders { email: Arc::clone(&hanging) as Arc<dyn Sender>, ..room.senders };
    let stuck = desk.plan_many(&MAIL, 2);
    let (stop, tracker) = start(room.clone());
    while hanging.ids().len() < 2 {
        crate::harness::pause_between_polls().await;
    }
    let waits = desk.mail();
    let sms = desk.plan(&Planned { channel: "sms", ..MAIL });
    let alert = desk.plan(&Planned { lane: 0, priority: "critical", ..MAIL });
    room.wake.notify_one();
    desk.until(sms, "sent").await;
    desk.until(alert, "sent").await;
    assert_eq!(desk.ended(waits).0, "queued", "its lane is full");
    hanging.go_on.notify_waiters();
    for id in [stuck[0], stuck[1], waits] {
        desk.until(id, "sent").await;
    }
    stop.cancel();
    tracker.wait().await;
}

#[tokio::test]
async fn a_long_queue_is_worked_off_without_waiting_for_the_clock() {
    let desk = DeliveryFixture::new();
    let planned = desk.plan_many(&MAIL, 60);
    let provider = Provider::new();
    let mut room = desk.by(&provider);
    room.settings.concurrency = 1;
    let (stop, tracker) = start(room);
    // One per second, this would take a minute; `until` gives up after a third of that.
    desk.until(*planned.last().unwrap(), "sent").await;
    stop.cancel();
    tracker.wait().await;
    assert_eq!(provider.ids(), planned);
}
