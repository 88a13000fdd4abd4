//! One delivery, many workers: none is sent twice, none is lost, and a late worker writes nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use guichet::deliveries;
use serde_json::json;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::fixture::{DeliveryFixture, MAIL, Provider, SenderBehavior, pair};

const LAPSED: Duration = Duration::from_secs(16);

#[tokio::test]
async fn two_workers_never_send_one_delivery_twice() {
    let desk = DeliveryFixture::new();
    let planned = desk.plan_many(&MAIL, 200);
    let provider = Provider::new();
    let (one, other) = (desk.by(&provider), desk.by(&provider));
    let (a, b) = tokio::join!(deliveries::drain(&one), deliveries::drain(&other));
    assert_eq!(a.unwrap() + b.unwrap(), 200);
    let sent = provider.ids();
    assert_eq!(sent.len(), 200);
    assert_eq!(sent.into_iter().collect::<BTreeSet<_>>(), planned.into_iter().collect());
    assert_eq!(desk.states(), json!({"sent": 200}));
}

#[tokio::test]
async fn a_delivery_is_held_by_whoever_claimed_it_until_the_lease_ends() {
    let desk = DeliveryFixture::new();
    let id = desk.mail();
    // Claimed without an attempt by a worker that has ended.
    let lease = desk.now().plus(Duration::from_secs(15));
    desk.set(id, &format!("lease_until = '{lease}', lease_token = '{}'", Uuid::new_v4()));
    let provider = Provider::forgetful();
    assert_eq!(desk.drain(&provider).await, 0);
    desk.advance(LAPSED);
    assert_eq!(desk.drain(&provider).await, 1);
    assert_eq!(provider.ids(), [id]);
    assert_eq!(desk.ended(id).0, "sent");
}

/// As if stopped by SIGSTOP past its lease, and continued.
#[tokio::test]
async fn a_worker_that_comes_back_after_its_lease_writes_nothing() {
    let desk = DeliveryFixture::new();
    let id = desk.mail();
    let (asleep, awake) = (Provider::new(), Provider::new());
    asleep.will(SenderBehavior::Hangs);
    let room = desk.by(&asleep);
    let late = TaskTracker::new().spawn(async move { deliveries::drain(&room).await });
    asleep.got.notified().await;
    desk.advance(LAPSED);
    assert_eq!(desk.drain(&awake).await, 1);
    desk.set(id, "provider_id = 'of the second'");
    asleep.go_on.notify_one();
    late.await.unwrap().unwrap();
    let row = desk.row(id);
    assert_eq!(
        (&row["status"], &row["attempts"], &row["provider_id"]),
        (&json!("sent"), &json!(2), &json!("of the second"))
    );
}

#[tokio::test]
async fn a_late_failure_does_not_undo_what_another_sent() {
    let desk = DeliveryFixture::new();
    let id = desk.mail();
    let (asleep, awake) = (Provider::new(), Provider::new());
    asleep.will(SenderBehavior::Hangs);
    let mut room = desk.by(&asleep);
    // Its send times out after another worker has sent the mail.
    room.settings.send_timeout = Duration::from_millis(300);
    let late = TaskTracker::new().spawn(async move { deliveries::drain(&room).await });
    asleep.got.notified().await;
    desk.advance(LAPSED);
    assert_eq!(desk.drain(&awake).await, 1);
    late.await.unwrap().unwrap();
    assert_eq!(desk.ended(id), pair("sent", ""));
    assert!(desk.failures().is_empty());
}

#[tokio::test]
async fn what_a_dead_worker_was_sending_is_sent_again_where_a_repeat_is_none() {
    let desk = DeliveryFixture::new();
    let id = desk.mail();
    let provider = Provider::new();
    provider.will(SenderBehavior::Hangs);
    let room = desk.by(&provider);
    let killed = TaskTracker::new().spawn(async move { deliveries::drain(&room).await });
    provider.got.notified().await;
    killed.abort();
    assert!(killed.await.unwrap_err().is_cancelled());
    assert_eq!(desk.drain(&provider).await, 0, "the lease has not ended yet");
    desk.set_notification(id, "title = 'Autre titre'");
    desk.advance(LAPSED);
    assert_eq!(desk.drain(&provider).await, 1);
    let ledger = provider.ledger();
    assert_eq!(ledger.len(), 2);
    assert_eq!(ledger[0], ledger[1], "the provider knows the repeat by its id and its bytes");
    assert_eq!(desk.ended(id).0, "sent");
}

#[tokio::test]
async fn what_a_dead_worker_was_sending_is_never_repeated_blindly() {
    let desk = DeliveryFixture::new();
    let id = desk.mail();
    let provider = Provider::forgetful();
    provider.will(SenderBehavior::Hangs);
    let room = desk.by(&provider);
    let killed = TaskTracker::new().spawn(async move { deliveries::drain(&room).await });
    provider.got.notified().await;
    killed.abort();
    let _ = killed.await;
    desk.advance(LAPSED);
    assert_eq!(desk.drain(&provider).await, 1);
    let (status, error) = desk.ended(id);
    assert_eq!((status.as_str(), error.split(':').next()), ("sending", Some("uncertain")));
    desk.advance(Duration::from_secs(3_600));
    assert_eq!(desk.drain(&provider).await, 0, "nobody touches it before it is settled");
    // No one decided: at its deadline it counts as failed.
    desk.advance(Duration::from_secs(24 * 3_600));
    assert_eq!(desk.drain(&provider).await, 1);
    assert_eq!(desk.ended(id), pair("failed", "uncertain"));
    assert_eq!(provider.ids().len(), 1);
    assert_eq!(desk.failures().len(), 1);
}
