//! Announcing events: as a whole or not at all, once, to their recipients.

use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::rows::{self, MISCOUNTED, task};
use crate::harness::ChatFixture;

/// The faulty fields, with their codes.
fn faults(body: &Value) -> Vec<(String, String)> {
    let details = body["error"]["details"].as_array().cloned().unwrap_or_default();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    details.iter().map(|fault| (word(&fault["field"]), word(&fault["code"]))).collect()
}

#[tokio::test]
async fn only_a_producer_announces() {
    let world = ChatFixture::new();
    let event = task(world.server.user("emma").id, "Relire");
    for person in [&world.awa, &world.denis, &world.emma, &world.chloe] {
        assert_eq!(person.post("/events", event.clone()).await.status, StatusCode::FORBIDDEN);
        assert_eq!(
            person.post("/events/bulk", json!({"events": [event]})).await.status,
            StatusCode::FORBIDDEN
        );
    }
    assert_eq!(world.anonymous.post("/events", event).await.status, StatusCode::UNAUTHORIZED);
    assert!(rows::all(&world.server).is_empty());
}

#[tokio::test]
async fn an_event_that_is_wrong_anywhere_changes_nothing() {
    let world = ChatFixture::new();
    let emma = world.server.user("emma").id;
    let stranger = Uuid::now_v7();
    let wrong = [
        (json!({"event": "no.such", "payload": {}}), "event", "unknown_event"),
        (
            json!({"event": "task.overdue", "payload": {"user_id": emma, "task_id": "1"}}),
            "payload.title",
            "missing",
        ),
        (
            json!({"event": "task.overdue", "payload": {"user_id": stranger, "task_id": "1", "title": "t"}}),
            "payload.user_id",
            "unknown_recipient",
        ),
        (
            json!({"event": "task.overdue", "payload": {"task_id": "1", "title": "t"}, "recipients": {"teams": [stranger]}}),
            "recipients.teams[0]",
            "unknown_recipient",
        ),
        (
            json!({"event": "task.overdue", "payload": {"task_id": "1", "title": "t"}, "recipients": {"clients": [stranger]}}),
            "recipients.clients[0]",
            "unknown_recipient",
        ),
        (
            json!({"event": "task.overdue", "payload": {"user_id": emma, "task_id": "1", "title": "t", "url": "https://evil.example"}}),
            "payload.url",
            "not_relative",
        ),
        (
            json!({"event": "task.overdue", "payload": {"user_id": emma, "task_id": "1", "title": "t", "url": "//evil.example"}}),
            "payload.url",
            "not_relative",
        ),
    ];
    for (event, field, code) in wrong {
        let answer = world.service.post("/events", event.clone()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{event}");
        let found = faults(&answer.body);
        assert!(found.iter().any(|(f, c)| f == field && c == code), "{event}: {found:?}");
    }
    assert_eq!(rows::number(&world.server, "SELECT count(*) FROM notification_events"), 0);
    assert_eq!(rows::number(&world.server, "SELECT count(*) FROM notification_event_keys"), 0);
}

#[tokio::test]
async fn one_notification_lands_with_its_title_and_link_and_data() {
    let world = ChatFixture::new();
    let emma = world.server.user("emma").id;
    let event = json!({"event": "task.overdue", "payload": {"user_id": emma, "task_id": "7", "title": "Relire le bail",
        "due_at": "2026-11-20", "url": "/taches/7", "colour": "red"}});
    let progress = world.service.post("/events", event).await;
    assert_eq!(progress.status, StatusCode::ACCEPTED);
    let progress = progress.data().clone();
    assert_eq!(
        (&progress["status"], &progress["planned"], &progress["written"]),
        (&json!("done"), &json!(1), &json!(1))
    );
    let row = rows::of(&world, "emma").pop().unwrap();
    assert!(row.title.contains("Relire le bail"), "{}", row.title);
    assert_eq!(
        (row.kind.as_str(), row.category.as_str(), row.priority.as_str()),
        ("task.overdue", "task", "high")
    );
    assert_eq!(row.link.as_deref(), Some("/taches/7"));
    assert_eq!((&row.data["colour"], &row.data["url"]), (&json!("red"), &json!("/taches/7")));
    let again = world.service.get(&format!("/events/{}", progress["id"].as_str().unwrap())).await;
    assert_eq!(again.data(), &progress);
}

#[tokio::test]
async fn recipients_are_people_teams_ranks_and_clients_each_once_without_the_actor() {
    let world = ChatFixture::new();
    let id = |name: &str| world.server.user(name).id;
    let team = Uuid::now_v7();
    world.service.put(&format!("/teams/{team}"), json!({"name": "Ventes"})).await.data();
    world.service.put(&format!("/teams/{team}/members/{}", id("karim")), json!({})).await.data();
    let event = json!({"event": "report.generated", "payload": {"report_id": "1", "name": "Octobre"},
        "recipients": {"users": [id("emma"), id("emma")], "teams": [team], "roles": ["manager", "owner"], "clients": [world.nord]},
        "actor_id": id("denis")});
    let progress = world.service.post("/events", event).await.data().clone();
    assert_eq!(rows::told(&world), ["awa", "chloe", "emma", "karim"]);
    assert_eq!(progress["planned"], 4);
    assert_eq!(rows::number(&world.server, MISCOUNTED), 0);
}

#[tokio::test]
async fn whoever_may_not_see_the_client_is_left_out() {
    let world = ChatFixture::new();
    let event = json!({"event": "payment.failed", "payload": {"client_id": world.nord, "amount": "12 €"},
        "recipients": {"everyone": true}});
    let progress = world.service.post("/events", event).await.data().clone();
    assert_eq!(rows::told(&world), ["awa", "chloe", "denis", "emma"]);
    assert_eq!((&progress["written"], &progress["skipped"]), (&json!(4), &json!(2)));
    let scoped = "SELECT count(*) FROM notification_skips WHERE decision #>> '{inapp,rule}' = 'team_scope'";
    assert_eq!(rows::number(&world.server, scoped), 2);
}

#[tokio::test]
async fn the_same_key_acts_once_and_says_so() {
    let world = ChatFixture::new();
    let emma = world.server.user("emma").id;
    let mut event = task(emma, "Une fois");
    event["idempotency_key"] = json!("once");
    let sent = join_all((0..50).map(|_| world.service.post("/events", event.clone()))).await;
    let first = sent[0].data()["id"].clone();
    assert!(sent.iter().all(|answer| answer.status == StatusCode::ACCEPTED && answer.data()["id"] == first));
    let replayed = sent.iter().filter(|answer| answer.headers.contains_key("idempotent-replayed")).count();
    assert_eq!(replayed, 49);
    assert_eq!(rows::all(&world.server).len(), 1);

    event["payload"]["title"] = json!("Autre chose");
    let other = world.service.post("/events", event).await;
    assert_eq!(
        (other.status, &other.body["error"]["code"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("IDEMPOTENCY_MISMATCH"))
    );
}

#[tokio::test]
async fn what_was_said_of_the_same_moment_is_the_same_event_and_without_a_moment_it_is_another() {
    let world = ChatFixture::new();
    let mut event = task(world.server.user("emma").id, "Relire");
    world.service.post("/events", event.clone()).await.data();
    world.service.post("/events", event.clone()).await.data();
    assert_eq!(rows::all(&world.server).len(), 2);
    event["occurred_at"] = json!("2026-11-20T10:00:00Z");
    world.service.post("/events", event.clone()).await.data();
    event["idempotency_key"] = json!("by another way");
    let repeated = world.service.post("/events", event).await;
    assert!(repeated.headers.contains_key("idempotent-replayed"));
    assert_eq!(rows::all(&world.server).len(), 3);
}

#[tokio::test]
async fn many_events_are_answered_one_by_one() {
    let world = ChatFixture::new();
    let emma = world.server.user("emma").id;
    let events = json!({"events": [task(emma, "un"), {"event": "no.such", "payload": {}}, "text", task(emma, "deux")]});
    let answer = world.service.post("/events/bulk", events).await;
    assert_eq!(answer.status, StatusCode::OK);
    let items = answer.data().as_array().unwrap();
    let statuses: Vec<_> = items.iter().map(|item| item["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [202, 422, 422, 202]);
    assert_eq!(items[1]["error"]["code"], "VALIDATION_ERROR");
    assert_eq!(items[0]["event"]["written"], 1);
    assert_eq!(rows::all(&world.server).len(), 2);

    for wrong in [json!({"events": []}), json!({"events": vec![json!({}); 1_001]})] {
        let answer = world.service.post("/events/bulk", wrong).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn an_event_is_followed_by_its_producer_and_those_who_answer_for_the_tenant() {
    let world = ChatFixture::new();
    let event = task(world.server.user("emma").id, "Relire");
    let id = world.service.post("/events", event).await.data()["id"].as_str().unwrap().to_owned();
    let path = format!("/events/{id}");
    for may in [&world.service, &world.awa, &world.denis] {
        assert_eq!(may.get(&path).await.status, StatusCode::OK);
    }
    for may_not in [&world.emma, &world.chloe] {
        assert_eq!(may_not.get(&path).await.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(world.awa.get(&format!("/events/{}", Uuid::now_v7())).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn with_in_app_off_and_no_other_way_nothing_is_written_and_the_reason_is() {
    let world = ChatFixture::new();
    let emma = world.server.user("emma").id;
    let text = format!(
        "INSERT INTO notification_preferences (tenant_id, user_id, category, channel_inapp) \
        SELECT tenant_id, id, 'task', false FROM users WHERE id = '{emma}'"
    );
    rows::run(&world.server, &text);
    let progress = world.service.post("/events", task(emma, "Relire")).await.data().clone();
    assert_eq!((&progress["written"], &progress["skipped"]), (&json!(0), &json!(1)));
    assert!(rows::all(&world.server).is_empty());
    let why = "SELECT count(*) FROM notification_skips WHERE decision #>> '{inapp,level}' = 'user'";
    assert_eq!(rows::number(&world.server, why), 1);
}

#[tokio::test]
async fn what_is_over_before_it_is_told_is_refused() {
    let world = ChatFixture::new();
    let mut event = task(world.server.user("emma").id, "Trop tard");
    event["expires_at"] = json!(world.server.clock.now());
    assert_eq!(world.service.post("/events", event).await.fault(), ("expires_at", "in_past"));
    assert!(rows::all(&world.server).is_empty());
}
