//! Samples of a template, by a channel, to oneself.

use guichet::deliveries::DeliveryContent;
use serde_json::{Value, json};

use super::fixture::{DeliveryFixture, Provider};
use crate::chat::room::post_with_key;
use crate::harness::{Api, ApiResponse};

const PATH: &str = "/notifications/test-delivery";

async fn ask(by: &Api, template: &str, channel: &str, more: Value) -> ApiResponse {
    let mut body = json!({"template": template, "channel": channel});
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    by.post(PATH, body).await
}

#[tokio::test]
async fn only_owners_and_managers_send_samples() {
    let desk = DeliveryFixture::new();
    let world = &desk.world;
    for (who, refused) in
        [(&world.anonymous, 401), (&world.emma, 403), (&world.chloe, 403), (&world.service, 403)]
    {
        assert_eq!(ask(who, "ticket.created", "email", json!({})).await.error().0, refused);
    }
    assert_eq!(desk.states(), json!({}));
}

#[tokio::test]
async fn it_goes_to_whoever_asks_in_the_language_they_ask_for() {
    let desk = DeliveryFixture::new();
    let awa = desk.world.server.user("awa").id;
    desk.sql(&format!("UPDATE users SET email = 'awa@example.com' WHERE id = '{awa}'"));
    let answer = ask(&desk.world.awa, "payment.failed", "email", json!({"locale": "fr"})).await;
    assert_eq!(answer.status, 202);
    let data = answer.data();
    assert_eq!(
        (&data["to_address"], &data["user_id"], &data["type"]),
        (&json!("awa@example.com"), &json!(awa), &json!("payment.failed"))
    );
    assert_eq!((&data["status"], &data["notification_id"]), (&json!("queued"), &Value::Null));
    assert_eq!(ask(&desk.world.awa, "payment.failed", "email", json!({"locale": "en"})).await.status, 202);
    let provider = Provider::new();
    desk.drain(&provider).await;
    let mut subjects: Vec<String> = provider
        .ledger()
        .into_iter()
        .map(|(_, content)| match content {
            DeliveryContent::Email { subject, .. } => subject,
            other => panic!("{other:?}"),
        })
        .collect();
    subjects.sort();
    assert_eq!(subjects.len(), 2);
    assert_ne!(subjects[0], subjects[1]);
    assert!(subjects.iter().any(|subject| subject.contains("Échec de paiement")), "{subjects:?}");
    // A sample is not a notification.
    assert_eq!(desk.lines("SELECT count(*)::text AS t FROM notifications"), ["0"]);
    assert_eq!(desk.states(), json!({"sent": 2}));
}

#[tokio::test]
async fn without_an_address_or_a_template_there_is_none() {
    let desk = DeliveryFixture::new();
    let awa = &desk.world.awa;
    let id = desk.world.server.user("awa").id;
    desk.sql(&format!("UPDATE users SET phone = NULL WHERE id = '{id}'"));
    assert_eq!(ask(awa, "ticket.created", "sms", json!({})).await.fault(), ("channel", "no_address"));
    assert_eq!(ask(awa, "no.such", "email", json!({})).await.fault(), ("template", "unknown_value"));
    assert_eq!(ask(awa, "ticket.created", "inapp", json!({})).await.fault(), ("channel", "unknown_value"));
    assert_eq!(ask(awa, "ticket.created", "email", json!({"to": "x@x.example"})).await.error().0, 422);
    // Push has no provider in this version.
    assert_eq!(ask(awa, "ticket.created", "push", json!({})).await.error(), (403, "FEATURE_DISABLED"));
    assert_eq!(desk.states(), json!({}));
}

#[tokio::test]
async fn a_repeat_sends_none_and_nobody_floods_themselves() {
    let desk = DeliveryFixture::with(&[("NOTIFICATION_RATE_PER_MIN", "3")]);
    let awa = desk.world.server.user("awa").id;
    desk.sql(&format!("UPDATE users SET email = 'awa@example.com' WHERE id = '{awa}'"));
    let body = json!({"template": "ticket.created", "channel": "email"});
    let first = post_with_key(&desk.world.awa, PATH, "k", body.clone()).await;
    let again = post_with_key(&desk.world.awa, PATH, "k", body).await;
    assert_eq!((again.status.as_u16(), again.header("idempotent-replayed")), (202, "true"));
    assert_eq!(first.data(), again.data());
    for _ in 0..2 {
        assert_eq!(ask(&desk.world.awa, "ticket.created", "email", json!({})).await.status, 202);
    }
    assert_eq!(
        ask(&desk.world.awa, "ticket.created", "email", json!({})).await.error(),
        (429, "RATE_LIMITED")
    );
    desk.advance(std::time::Duration::from_secs(61));
    assert_eq!(ask(&desk.world.awa, "ticket.created", "email", json!({})).await.status, 202);
}
