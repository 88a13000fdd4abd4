//! `GET /deliveries`, for owners and managers.

use std::time::Duration;

use guichet::deliveries::SendFailure;
use guichet_base::id::DeliveryId;
use serde_json::{Value, json};
use uuid::Uuid;

use super::fixture::{DeliveryFixture, MAIL, Planned, Provider, SenderBehavior};
use crate::chat::room::faults;

fn ids(answer: &crate::harness::ApiResponse) -> Vec<DeliveryId> {
    let rows = answer.data().as_array().unwrap();
    rows.iter().map(|row| serde_json::from_value(row["id"].clone()).unwrap()).collect()
}

fn newest_first(mut ids: Vec<DeliveryId>) -> Vec<DeliveryId> {
    ids.reverse();
    ids
}

#[tokio::test]
async fn only_owners_and_managers_see_what_left() {
    let desk = DeliveryFixture::new();
    let id = desk.mail();
    let world = &desk.world;
    for (who, refused) in
        [(&world.anonymous, 401), (&world.emma, 403), (&world.chloe, 403), (&world.service, 403)]
    {
        assert_eq!(who.get("/deliveries").await.error().0, refused);
    }
    for who in [&world.awa, &world.denis] {
        assert_eq!(ids(&who.get("/deliveries").await), [id]);
    }
}

#[tokio::test]
async fn another_tenants_deliveries_are_not_there() {
    let desk = DeliveryFixture::new();
    let (tenant, user, id) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    desk.sql(&format!(
        "SELECT set_config('app.tenant_id', '{tenant}', false); \
         INSERT INTO tenants (id, slug, name) VALUES ('{tenant}', 'elsewhere', 'Elsewhere'); \
         INSERT INTO users (tenant_id, id, role, display_name) VALUES ('{tenant}', '{user}', 'client', 'X'); \
         INSERT INTO deliveries (tenant_id, id, user_id, channel, type, to_address, lane, status, next_attempt_at, deadline_at, created_at, updated_at) \
         VALUES ('{tenant}', '{id}', '{user}', 'email', 'ticket.created', 'x@x.example', 1, 'failed', now(), now(), now(), now())"
    ));
    let awa = &desk.world.awa;
    assert_eq!(ids(&awa.get("/deliveries").await), []);
    assert_eq!(awa.post(&format!("/deliveries/{id}/retry"), json!({})).await.error(), (404, "NOT_FOUND"));
    let answer = awa.post("/deliveries/retry", json!({"status": "failed"})).await;
    assert_eq!(answer.data(), &json!({"requeued": 0}));
}

#[tokio::test]
async fn a_row_says_what_happened_and_neither_body_nor_token() {
    let desk = DeliveryFixture::new();
    let mail = desk.mail();
    let push = desk.plan(&Planned { channel: "push", ..MAIL });
    let provider = Provider::new();
    provider.will(SenderBehavior::Fails(SendFailure::Recipient("unknown user".into())));
    desk.drain(&provider).await;
    let answer = desk.world.awa.get("/deliveries").await;
    let text = answer.body.to_string();
    assert!(!text.contains("Corps") && !text.contains("device-token"), "{text}");
    let row = |id: DeliveryId| {
        let rows = answer.data().as_array().unwrap();
        rows.iter().find(|row| row["id"] == id.to_string()).cloned().unwrap()
    };
    let failed = row(mail);
    for (name, value) in [
        ("user_id", json!(desk.chloe())),
        ("channel", json!("email")),
        ("type", json!("ticket.created")),
        ("to_address", json!("chloe@example.com")),
        ("lane", json!("normal")),
        ("status", json!("failed")),
        ("attempts", json!(1)),
        ("provider", Value::Null),
        ("payload_excerpt", json!("Titre")),
        ("last_error", json!("recipient: unknown user")),
        ("sent_at", Value::Null),
    ] {
        assert_eq!(failed[name], value, "{name}");
    }
    assert_eq!(row(push)["to_address"], "***oe");
}

#[tokio::test]
async fn every_filter_narrows() {
    let desk = DeliveryFixture::new();
    let provider = Provider::new();
    let sent = desk.mail();
    desk.drain(&provider).await;
    desk.advance(Duration::from_secs(60));
    let since = desk.now();
    let sms = desk.plan(&Planned { channel: "sms", kind: "mandat.created", category: "mandat", ..MAIL });
    provider.will(SenderBehavior::Fails(SendFailure::Recipient("no such number".into())));
    desk.drain(&provider).await;
    let queued = desk.mail();
    let find = async |query: String| ids(&desk.world.awa.get(&format!("/deliveries?{query}")).await);
    assert_eq!(find("status=sent".into()).await, [sent]);
    assert_eq!(find("channel=sms".into()).await, [sms]);
    assert_eq!(find("type=ticket.created".into()).await, [queued, sent]);
    assert_eq!(find("error=recipient".into()).await, [sms]);
    assert_eq!(find("error=recipient%25".into()).await, []);
    assert_eq!(find(format!("since={since}")).await, [queued, sms]);
    assert_eq!(find(format!("user_id={}", desk.chloe())).await.len(), 3);
    assert_eq!(find(format!("user_id={}", Uuid::now_v7())).await, []);
    let notification = desk.row(sent)["notification_id"].as_str().unwrap().to_owned();
    assert_eq!(find(format!("notification_id={notification}&status=sent&channel=email")).await, [sent]);
}

#[tokio::test]
async fn pages_follow_one_another_without_a_gap_while_rows_come_in() {
    let desk = DeliveryFixture::new();
    let planned = desk.plan_many(&MAIL, 25);
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = desk.world.awa.get(&format!("/deliveries?limit=7{cursor}")).await;
        found.extend(ids(&answer));
        desk.advance(Duration::from_millis(5));
        desk.mail();
        let Some(next) = answer.body["meta"]["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(found, newest_first(planned));
}

#[tokio::test]
async fn what_is_no_filter_is_told() {
    let desk = DeliveryFixture::new();
    let answer = desk.world.awa.get("/deliveries?status=lost&channel=inapp&cursor=x&limit=0").await;
    let mut wrong = faults(&answer);
    wrong.sort_unstable();
    let expected = [
        ("channel", "unknown_value"),
        ("cursor", "unknown_value"),
        ("limit", "out_of_range"),
        ("status", "unknown_value"),
    ];
    assert_eq!(wrong, expected);
}

#[tokio::test]
async fn where_notifications_are_off_there_is_nothing_to_ask() {
    let desk = DeliveryFixture::with(&[("FEATURES_OFF", "notifications")]);
    let awa = &desk.world.awa;
    assert_eq!(awa.get("/deliveries").await.error(), (403, "FEATURE_DISABLED"));
    let sample = json!({"template": "ticket.created", "channel": "email"});
    assert_eq!(awa.post("/notifications/test-delivery", sample).await.error(), (403, "FEATURE_DISABLED"));
    assert_eq!(
        awa.post("/deliveries/retry", json!({"status": "failed"})).await.error(),
        (403, "FEATURE_DISABLED")
    );
}
