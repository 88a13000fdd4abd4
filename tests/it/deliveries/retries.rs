//! Failed attempts, and what follows.

use std::time::Duration;

use guichet::deliveries::{self, SendFailure};
use guichet_base::Timestamp;
use guichet_base::id::DeliveryId;
use serde_json::json;

use super::fixture::{DeliveryFixture, Provider, SenderBehavior, pair};

/// Milliseconds until the next attempt.
fn wait(desk: &DeliveryFixture, id: DeliveryId) -> i64 {
    let at = desk.row(id)["next_attempt_at"].as_str().and_then(Timestamp::parse).unwrap();
    at.as_millis() - desk.now().as_millis()
}

#[tokio::test]
async fn a_passing_failure_is_tried_again_soon_with_the_very_same_words() {
    let desk = DeliveryFixture::new();
    let id = desk.mail();
    let provider = Provider::new();
    provider.will(SenderBehavior::Fails(SendFailure::Transient("503".into())));
    provider.will(SenderBehavior::Fails(SendFailure::Transient("503".into())));
    for attempt in 1..=2 {
        desk.advance(Duration::from_secs(3));
        desk.drain(&provider).await;
        let row = desk.row(id);
        // A draw of zero is due at once, and then everything has happened already.
        if row["status"] == "sent" {
            break;
        }
        assert_eq!((&row["status"], &row["last_error"]), (&json!("queued"), &json!("transient: 503")));
        assert!(wait(&desk, id) <= 2_000 * attempt, "{row}");
        desk.set_notification(id, "title = 'Autre titre', body = 'Autre corps'");
    }
    desk.advance(Duration::from_secs(5));
    desk.drain(&provider).await;
    let row = desk.row(id);
    assert_eq!(
        (&row["status"], &row["attempts"], &row["last_error"]),
        (&json!("sent"), &json!(3), &json!(null))
    );
    assert_eq!((&row["provider"], &row["provider_id"]), (&json!("fake"), &json!("fake-3")));
    let ledger = provider.ledger();
    assert!(ledger.iter().all(|one| *one == ledger[0]), "{ledger:?}");
}

#[tokio::test]
async fn being_told_to_wait_is_obeyed_and_counts_as_no_attempt() {
    let desk = DeliveryFixture::new();
    let id = desk.mail();
    let provider = Provider::new();
    provider.will(SenderBehavior::Fails(SendFailure::Throttled { after: Duration::from_secs(90) }));
    desk.drain(&provider).await;
    let row = desk.row(id);
    assert_eq!(
        (&row["status"], &row["attempts"], &row["last_error"]),
        (&json!("queued"), &json!(0), &json!("throttled: for 90 s"))
    );
    assert!((80_000..=90_000).contains(&wait(&desk, id)), "{row}");
    desk.advance(Duration::from_secs(91));
    desk.drain(&provider).await;
    assert_eq!((desk.ended(id).0.as_str(), provider.ids().len()), ("sent", 2));
}

#[tokio::test]
async fn who_cannot_be_reached_is_not_tried_again_and_the_log_says_so() {
    let desk = DeliveryFixture::new();
    let provider = Provider::new();
    for failure in [SendFailure::Recipient("unknown user".into()), SendFailure::Bug("bad body".into())] {
        let id = desk.mail();
        let kept = failure.to_last_error();
        provider.will(SenderBehavior::Fails(failure));
        desk.drain(&provider).await;
        assert_eq!(desk.ended(id), pair("failed", &kept));
        assert_eq!(desk.failures().last().unwrap()["details"]["error"], kept);
    }
    desk.advance(Duration::from_secs(3_600));
    assert_eq!(desk.drain(&provider).await, 0);
    // The provider is not involved in in-app notifications.
    let told = desk.lines("SELECT status || visible AS t FROM notifications");
    assert_eq!(told, ["unreadtrue", "unreadtrue"]);
}

#[tokio::test]
async fn a_provider_that_refuses_us_is_left_alone_for_a_while_and_nothing_is_lost() {
    let desk = DeliveryFixture::new();
    let id = desk.mail();
    let provider = Provider::new();
    provider.will(SenderBehavior::Fails(SendFailure::Configuration("the key is wrong".into())));
    desk.drain(&provider).await;
    assert_eq!(desk.ended(id), pair("queued", "configuration: the key is wrong"));
    assert!((50_000..=60_000).contains(&wait(&desk, id)));
    desk.advance(Duration::from_secs(61));
    desk.drain(&provider).await;
    assert_eq!(desk.row(id)["attempts"], 1);
    assert_eq!(desk.ended(id), pair("sent", ""));
}

#[tokio::test]
async fn no_answer_is_tried_again_only_where_a_repeat_is_none() {
    let desk = DeliveryFixture::new();
    for provider in [Provider::new(), Provider::forgetful()] {
        let id = desk.mail();
        // Recorded, then the connection was cut.
        provider.will(SenderBehavior::Fails(SendFailure::Uncertain("cut".into())));
        desk.drain(&provider).await;
        desk.advance(Duration::from_secs(3));
        desk.drain(&provider).await;
        let (expected, copies) = if provider.is_idempotent {
            (pair("sent", ""), 2)
        } else {
            (pair("sending", "uncertain: cut"), 1)
        };
        assert_eq!(desk.ended(id), expected);
        assert_eq!(provider.ids().len(), copies);
    }
}

#[tokio::test]
async fn a_send_that_never_ends_is_given_up() {
    let desk = DeliveryFixture::new();
    let id = desk.mail();
    let provider = Provider::forgetful();
    provider.will(SenderBehavior::Hangs);
    let mut room = desk.by(&provider);
    room.settings.send_timeout = Duration::from_millis(20);
    deliveries::drain(&room).await.unwrap();
    assert_eq!(desk.ended(id), pair("sending", "uncertain: timeout"));
}

#[tokio::test]
async fn a_sender_that_panics_takes_nobody_along() {
    let desk = DeliveryFixture::new();
    let planned = desk.plan_many(&super::fixture::MAIL, 3);
    let provider = Provider::forgetful();
    provider.will(SenderBehavior::Panics);
    desk.drain(&provider).await;
    let states: Vec<_> = planned.iter().map(|id| desk.ended(*id).0).collect();
    assert_eq!(states.iter().filter(|status| *status == "sent").count(), 2, "{states:?}");
    assert_eq!(states.iter().filter(|status| *status == "sending").count(), 1, "{states:?}");
}

#[tokio::test]
async fn attempts_end_at_the_deadline_with_their_cause() {
    let desk = DeliveryFixture::new();
    let id = desk.mail();
    desk.set(id, "deadline_at = next_attempt_at + interval '30 seconds'");
    let provider = Provider::new();
    for _ in 0..40 {
        provider.will(SenderBehavior::Fails(SendFailure::Transient("503".into())));
    }
    while desk.ended(id).0 == "queued" {
        desk.drain(&provider).await;
        desk.advance(Duration::from_secs(5));
    }
    let (status, error) = desk.ended(id);
    assert_eq!(status, "failed");
    assert!(error == "transient: 503" || error == "deadline: transient: 503", "{error}");
    assert_eq!(desk.failures().len(), 1);
}
