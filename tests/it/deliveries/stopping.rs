//! Stopping: running sends end, or are released.

use std::time::Duration;

use guichet::deliveries;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::fixture::{DeliveryFixture, MAIL, Provider, SenderBehavior, pair};

async fn stopped_mid_send(desk: &DeliveryFixture, provider: &std::sync::Arc<Provider>, goes_on: bool) {
    provider.will(SenderBehavior::Hangs);
    let mut room = desk.by(provider);
    if !goes_on {
        room.settings.shutdown_grace = Duration::from_millis(20);
    }
    let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
    tracker.spawn(deliveries::run_worker(room, tracker.clone(), stop.clone()));
    tracker.close();
    provider.got.notified().await;
    stop.cancel();
    if goes_on {
        provider.go_on.notify_one();
    }
    tracker.wait().await;
}

#[tokio::test]
async fn what_is_in_flight_at_a_stop_ends() {
    let desk = DeliveryFixture::new();
    let id = desk.mail();
    stopped_mid_send(&desk, &Provider::forgetful(), true).await;
    assert_eq!(desk.ended(id), pair("sent", ""));
}

#[tokio::test]
async fn what_does_not_end_in_time_is_given_back_where_a_repeat_is_none() {
    let desk = DeliveryFixture::new();
    let id = desk.mail();
    let provider = Provider::new();
    stopped_mid_send(&desk, &provider, false).await;
    assert_eq!(desk.ended(id), pair("queued", "uncertain: the service stopped"));
    // Another process takes it over without waiting for the lease to expire.
    desk.advance(Duration::from_secs(3));
    desk.drain(&provider).await;
    assert_eq!(desk.ended(id), pair("sent", ""));
}

#[tokio::test]
async fn what_does_not_end_in_time_is_left_to_be_settled_where_a_repeat_is_one() {
    let desk = DeliveryFixture::new();
    let id = desk.mail();
    stopped_mid_send(&desk, &Provider::forgetful(), false).await;
    assert_eq!(desk.ended(id), pair("sending", "uncertain: the service stopped"));
}

#[tokio::test]
async fn nothing_is_begun_after_a_stop() {
    let desk = DeliveryFixture::new();
    let provider = Provider::new();
    let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
    stop.cancel();
    desk.plan_many(&MAIL, 10);
    deliveries::run_worker(desk.by(&provider), tracker.clone(), stop).await;
    tracker.close();
    tracker.wait().await;
    assert!(provider.ids().is_empty());
    assert_eq!(desk.states()["queued"], 10);
    assert_eq!(
        desk.lines("SELECT count(lease_token)::text AS t FROM deliveries"),
        ["0"],
        "all was given back"
    );
}
