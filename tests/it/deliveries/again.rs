//! Manual retries: one delivery, or many by cause.

use guichet::deliveries::SendFailure;
use guichet_base::id::DeliveryId;
use serde_json::json;

use super::fixture::{DeliveryFixture, MAIL, Planned, Provider, SenderBehavior, pair};
use crate::chat::room::faults;
use crate::harness;

async fn retry(desk: &DeliveryFixture, id: DeliveryId) -> harness::ApiResponse {
    desk.world.awa.post(&format!("/deliveries/{id}/retry"), json!({})).await
}

async fn failed(desk: &DeliveryFixture, planned: &Planned, failure: SendFailure) -> DeliveryId {
    let provider = Provider::new();
    provider.will(SenderBehavior::Fails(failure));
    let id = desk.plan(planned);
    desk.drain(&provider).await;
    assert_eq!(desk.ended(id).0, "failed");
    id
}

#[tokio::test]
async fn only_owners_and_managers_send_again() {
    let desk = DeliveryFixture::new();
    let id = failed(&desk, &MAIL, SendFailure::Recipient(String::new())).await;
    let world = &desk.world;
    for (who, refused) in
        [(&world.anonymous, 401), (&world.emma, 403), (&world.chloe, 403), (&world.service, 403)]
    {
        assert_eq!(who.post(&format!("/deliveries/{id}/retry"), json!({})).await.error().0, refused);
        assert_eq!(who.post("/deliveries/retry", json!({"status": "failed"})).await.error().0, refused);
    }
    assert_eq!(desk.ended(id).0, "failed");
    let answer = world.denis.post(&format!("/deliveries/{id}/retry"), json!({})).await;
    assert_eq!(answer.data()["status"], "queued");
}

#[tokio::test]
async fn what_failed_is_sent_again_with_a_new_deadline_and_the_same_words() {
    let desk = DeliveryFixture::new();
    let id = failed(&desk, &MAIL, SendFailure::Recipient("full".into())).await;
    let first = desk.row(id)["rendered"].clone();
    desk.set(id, "deadline_at = next_attempt_at - interval '1 day'");
    let answer = retry(&desk, id).await;
    let data = answer.data();
    assert_eq!(
        (&data["status"], &data["attempts"], &data["last_error"]),
        (&json!("queued"), &json!(0), &json!(null))
    );
    let provider = Provider::new();
    desk.drain(&provider).await;
    let row = desk.row(id);
    assert_eq!((&row["status"], &row["rendered"]), (&json!("sent"), &first));
    assert_eq!(provider.ids(), [id]);
}

#[tokio::test]
async fn what_is_under_way_or_has_arrived_is_not_sent_again() {
    let desk = DeliveryFixture::new();
    for status in ["sent", "delivered", "opened"] {
        let id = desk.mail();
        desk.set(id, &format!("status = '{status}'"));
        let answer = retry(&desk, id).await;
        assert_eq!(answer.error(), (409, "INVALID_TRANSITION"));
        let details = &answer.body["error"]["details"];
        assert_eq!(details, &json!({"from": status, "allowed": ["queued", "failed", "bounced", "skipped"]}));
        assert_eq!(desk.ended(id).0, status);
    }
    let held = desk.mail();
    desk.set(held, "status = 'sending', lease_token = gen_random_uuid(), lease_until = now()");
    assert_eq!(retry(&desk, held).await.error(), (409, "INVALID_TRANSITION"));
    assert_eq!(retry(&desk, DeliveryId::new()).await.error(), (404, "NOT_FOUND"));
    assert_eq!(desk.world.awa.post("/deliveries/x/retry", json!({})).await.error(), (404, "NOT_FOUND"));
}

#[tokio::test]
async fn what_waits_for_its_next_attempt_is_tried_now_and_twice_is_as_once() {
    let desk = DeliveryFixture::new();
    let id = desk.mail();
    let provider = Provider::new();
    provider
        .will(SenderBehavior::Fails(SendFailure::Throttled { after: std::time::Duration::from_secs(600) }));
    desk.drain(&provider).await;
    assert_eq!(desk.drain(&provider).await, 0);
    for _ in 0..2 {
        assert_eq!(retry(&desk, id).await.data()["status"], "queued");
    }
    desk.drain(&provider).await;
    assert_eq!((desk.ended(id), provider.ids().len()), (pair("sent", ""), 2));
}

#[tokio::test]
async fn a_person_may_settle_what_nobody_knows_by_sending_it_again() {
    let desk = DeliveryFixture::new();
    let id = desk.mail();
    let provider = Provider::forgetful();
    provider.will(SenderBehavior::Fails(SendFailure::Uncertain("cut".into())));
    desk.drain(&provider).await;
    assert_eq!(desk.ended(id), pair("sending", "uncertain: cut"));
    assert_eq!(retry(&desk, id).await.data()["status"], "queued");
    desk.drain(&provider).await;
    assert_eq!((desk.ended(id), provider.ids().len()), (pair("sent", ""), 2));
}

#[tokio::test]
async fn many_are_sent_again_by_their_cause() {
    let desk = DeliveryFixture::new();
    let key = || SendFailure::Bug("the key is wrong".into());
    let mails = [failed(&desk, &MAIL, key()).await, failed(&desk, &MAIL, key()).await];
    let sms = failed(&desk, &Planned { channel: "sms", ..MAIL }, key()).await;
    let other = failed(&desk, &MAIL, SendFailure::Recipient("unknown user".into())).await;
    let cause =
        json!({"status": "failed", "channel": "email", "type": "ticket.created", "error": "bug: the key"});
    let answer = desk.world.awa.post("/deliveries/retry", cause.clone()).await;
    assert_eq!(answer.data(), &json!({"requeued": 2}));
    assert!(mails.iter().all(|id| desk.ended(*id).0 == "queued"));
    assert_eq!((desk.ended(sms).0.as_str(), desk.ended(other).0.as_str()), ("failed", "failed"));
    assert_eq!(desk.world.awa.post("/deliveries/retry", cause).await.data(), &json!({"requeued": 0}));
}

#[tokio::test]
async fn no_more_than_a_thousand_go_at_once() {
    let desk = DeliveryFixture::new();
    desk.plan_many(&MAIL, 1_005);
    desk.sql("UPDATE deliveries SET status = 'bounced'");
    for (status, expected) in [("skipped", 0), ("bounced", 1_000), ("bounced", 5)] {
        let answer = desk.world.awa.post("/deliveries/retry", json!({"status": status})).await;
        assert_eq!(answer.data(), &json!({"requeued": expected}));
    }
}

#[tokio::test]
async fn what_is_no_cause_is_told() {
    let desk = DeliveryFixture::new();
    let answer = desk
        .world
        .awa
        .post("/deliveries/retry", json!({"status": "sent", "channel": "pigeon", "error": ""}))
        .await;
    let mut wrong = faults(&answer);
    wrong.sort_unstable();
    assert_eq!(wrong, [("channel", "unknown_value"), ("error", "too_short"), ("status", "unknown_value")]);
    let answer = desk.world.awa.post("/deliveries/retry", json!({})).await;
    assert_eq!(answer.fault(), ("status", "missing"));
}
