//! From a message to a mail with the service's own worker and the log sender.

use guichet_base::id::DeliveryId;
use serde_json::json;

use super::fixture::DeliveryFixture;

#[tokio::test]
async fn a_message_becomes_a_mail_that_leaves_by_the_log() {
    let desk = DeliveryFixture::with(&[("DELIVERY_CONCURRENCY", "4")]);
    desk.world.send_message(&desk.world.emma, "Bonjour").await;
    let found =
        desk.lines(&format!("SELECT id::text AS t FROM deliveries WHERE user_id = '{}'", desk.chloe()));
    let id: DeliveryId = found[0].parse().unwrap();
    desk.until(id, "sent").await;
    let row = desk.row(id);
    for (name, value) in [
        ("type", json!("message.new")),
        ("to_address", json!("chloe@example.com")),
        ("provider", json!("log")),
        ("attempts", json!(1)),
        ("lease_token", json!(null)),
    ] {
        assert_eq!(row[name], value, "{name}");
    }
    assert!(row["rendered"]["text"].as_str().unwrap().contains("https://app.example.com/"), "{row}");
}

#[tokio::test]
async fn an_event_counts_what_left_for_it() {
    let desk = DeliveryFixture::new();
    let body = json!({"event": "payment.failed", "payload": {"client_id": desk.world.nord}});
    let event = desk.world.service.post("/events", body).await.data().clone();
    let provider = super::fixture::Provider::new();
    provider.will(super::fixture::SenderBehavior::Fails(guichet::deliveries::SendFailure::Recipient(
        String::new(),
    )));
    let sent = desk.drain(&provider).await;
    assert!(sent >= 1, "{event}");
    let path = format!("/events/{}", event["id"].as_str().unwrap());
    let after = desk.world.service.get(&path).await;
    let counted = (after.data()["delivered"].as_u64(), after.data()["failed"].as_u64());
    assert_eq!(counted, (Some(sent as u64 - 1), Some(1)), "{}", after.body);
}
