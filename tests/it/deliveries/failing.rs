//! Too many failed emails: owners and managers get an in-app alert, once per hour.

use std::time::Duration;

use guichet::deliveries::SendFailure;
use guichet::deliveries::failure_alert::alert_on_failures;
use serde_json::json;

use super::fixture::{DeliveryFixture, MAIL, Planned, Provider, SenderBehavior};

/// Sends mails of which some succeed and some fail.
async fn ended(desk: &DeliveryFixture, planned: &Planned, sent: usize, failed: usize) {
    let provider = Provider::new();
    for _ in 0..failed {
        provider.will(SenderBehavior::Fails(SendFailure::Recipient("unknown user".into())));
    }
    desk.plan_many(planned, sent + failed);
    desk.drain(&provider).await;
}

/// Runs the check, and returns the people alerted so far.
async fn told(desk: &DeliveryFixture) -> Vec<String> {
    alert_on_failures(&desk.by(&Provider::new()), desk.now()).await.unwrap();
    desk.lines(
        "SELECT u.role || ' ' || (n.data->>'failed') || '/' || (n.data->>'total') AS t FROM notifications n \
         JOIN users u ON u.tenant_id = n.tenant_id AND u.id = n.recipient_id WHERE n.type = 'email.failure_rate' ORDER BY n.created_at, u.role",
    )
}

#[tokio::test]
async fn a_fifth_is_borne_and_more_is_told_to_owners_and_managers() {
    let desk = DeliveryFixture::new();
    ended(&desk, &MAIL, 4, 1).await;
    assert!(told(&desk).await.is_empty(), "20 % is not above 20 %");
    ended(&desk, &MAIL, 0, 1).await;
    assert_eq!(told(&desk).await, ["manager 2/6", "owner 2/6"]);
    // In-app only: a mail would fail too.
    assert_eq!(desk.states(), json!({"sent": 4, "failed": 2}));
}

#[tokio::test]
async fn of_few_mails_and_of_other_channels_no_rate_is_told() {
    let desk = DeliveryFixture::new();
    ended(&desk, &MAIL, 0, 4).await;
    ended(&desk, &Planned { channel: "sms", ..MAIL }, 0, 10).await;
    assert!(told(&desk).await.is_empty());
}

#[tokio::test]
async fn what_is_long_ago_does_not_count() {
    let desk = DeliveryFixture::new();
    ended(&desk, &MAIL, 0, 8).await;
    desk.advance(Duration::from_secs(16 * 60));
    assert!(told(&desk).await.is_empty());
}

#[tokio::test]
async fn it_is_told_once_an_hour_while_it_lasts() {
    let desk = DeliveryFixture::new();
    ended(&desk, &MAIL, 0, 8).await;
    assert_eq!(told(&desk).await.len(), 2);
    assert_eq!(told(&desk).await.len(), 2);
    for _ in 0..5 {
        desk.advance(Duration::from_secs(600));
        ended(&desk, &MAIL, 0, 8).await;
        assert_eq!(told(&desk).await.len(), 2, "within the hour");
    }
    desk.advance(Duration::from_secs(660));
    ended(&desk, &MAIL, 0, 8).await;
    assert_eq!(told(&desk).await.len(), 4);
}

#[tokio::test]
async fn two_processes_that_look_at_once_tell_it_once() {
    let desk = DeliveryFixture::new();
    ended(&desk, &MAIL, 0, 8).await;
    let (room, now) = (desk.by(&Provider::new()), desk.now());
    let (one, other) = tokio::join!(alert_on_failures(&room, now), alert_on_failures(&room, now));
    assert_eq!(one.unwrap() + other.unwrap(), 1);
    assert_eq!(told(&desk).await.len(), 2);
}

#[tokio::test]
async fn the_rate_is_the_operators_to_set() {
    let desk = DeliveryFixture::with(&[("DELIVERY_FAILURE_ALERT_RATE", "50")]);
    ended(&desk, &MAIL, 5, 5).await;
    assert!(told(&desk).await.is_empty());
    ended(&desk, &MAIL, 0, 1).await;
    assert_eq!(told(&desk).await.len(), 2);
}
