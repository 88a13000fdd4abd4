//! Who may ask for explanations about which people, and the answers.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Api, ChatFixture};

fn id(world: &ChatFixture, name: &str) -> String {
    world.server.user(name).id.to_string()
}

async fn explain(caller: &Api, user: &str, event: &str) -> crate::harness::ApiResponse {
    caller.get(&format!("/notifications/explain?user_id={user}&event_id={event}")).await
}

/// A task for Emma.
async fn announce(world: &ChatFixture) -> String {
    let payload = json!({"user_id": id(world, "emma"), "task_id": "1", "title": "Relancer"});
    let made = world.service.post("/events", json!({"event": "task.assigned", "payload": payload})).await;
    made.data()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn about_others_only_owners_and_managers_ask_and_nobody_learns_what_is_there() {
    let world = ChatFixture::new();
    let (event, nowhere) = (announce(&world).await, Uuid::now_v7().to_string());
    let emma = id(&world, "emma");
    assert_eq!(explain(&world.anonymous, &emma, &event).await.status, 401);
    for stranger in [&world.karim, &world.chloe, &world.bruno, &world.service] {
        for asked in [&event, &nowhere] {
            assert_eq!(explain(stranger, &emma, asked).await.error(), (403, "FORBIDDEN"));
            assert_eq!(explain(stranger, &nowhere, asked).await.error(), (403, "FORBIDDEN"));
        }
    }
    // About themselves: an event that was not addressed to them does not exist.
    for (name, person) in [("karim", &world.karim), ("chloe", &world.chloe)] {
        for asked in [&event, &nowhere] {
            assert_eq!(explain(person, &id(&world, name), asked).await.error(), (404, "NOT_FOUND"));
        }
    }
    for allowed in [&world.awa, &world.denis, &world.emma] {
        let told = explain(allowed, &emma, &event).await.data().clone();
        assert_eq!((&told["event"], &told["in_audience"]), (&json!("task.assigned"), &json!(true)));
        assert_eq!(
            told["channels"]["inapp"],
            json!({"sent": true, "rule": "preference", "level": "default"})
        );
        assert_eq!(told["channels"]["email"], json!({"sent": false, "rule": "template"}));
        assert_eq!(told["deliveries"], json!([]));
        assert!(told["notification_id"].is_string());
    }
}

#[tokio::test]
async fn whoever_was_not_in_the_audience_has_no_channels() {
    let world = ChatFixture::new();
    let event = announce(&world).await;
    let told = explain(&world.denis, &id(&world, "karim"), &event).await.data().clone();
    let expected = json!({"event_id": event, "user_id": id(&world, "karim"), "event": "task.assigned", "in_audience": false,
        "channels": null, "notification_id": null, "deliveries": []});
    assert_eq!(told, expected);
    let nowhere = Uuid::now_v7().to_string();
    assert_eq!(explain(&world.denis, &nowhere, &event).await.error(), (404, "NOT_FOUND"), "no such person");
    assert_eq!(explain(&world.denis, &id(&world, "karim"), &nowhere).await.error(), (404, "NOT_FOUND"));
}

#[tokio::test]
async fn whoever_was_left_out_is_told_by_which_rule() {
    let world = ChatFixture::new();
    let payload = json!({"client_id": world.nord, "subject": "Refonte"});
    let body = json!({"event": "validation.approved", "payload": payload, "recipients": {"users": [id(&world, "karim")]}});
    let event = world.service.post("/events", body).await.data()["id"].as_str().unwrap().to_owned();
    let told = explain(&world.karim, &id(&world, "karim"), &event).await.data().clone();
    assert_eq!((&told["in_audience"], &told["notification_id"]), (&json!(true), &Value::Null));
    for channel in ["inapp", "email", "sms", "push"] {
        assert_eq!(told["channels"][channel], json!({"sent": false, "rule": "team_scope"}));
    }
}

#[tokio::test]
async fn the_mails_of_it_are_named_and_a_hidden_notification_is_not() {
    let world = ChatFixture::new();
    let chloe = id(&world, "chloe");
    world.chloe.put("/preferences/validation", json!({"channel_inapp": false})).await.data();
    let payload = json!({"client_id": world.nord, "subject": "Refonte"});
    let made =
        world.service.post("/events", json!({"event": "validation.approved", "payload": payload})).await;
    let event = made.data()["id"].as_str().unwrap().to_owned();
    let told = explain(&world.chloe, &chloe, &event).await.data().clone();
    assert_eq!(told["notification_id"], Value::Null, "its person does not see it");
    assert_eq!(told["channels"]["inapp"], json!({"sent": false, "rule": "preference", "level": "user"}));
    assert_eq!(told["channels"]["email"], json!({"sent": true, "rule": "preference", "level": "default"}));
    let deliveries = told["deliveries"].as_array().unwrap();
    assert_eq!(deliveries.len(), 1, "{told}");
    assert_eq!(deliveries[0]["channel"], "email");
    assert!(deliveries[0]["status"].is_string() && deliveries[0]["id"].is_string());
}

#[tokio::test]
async fn what_is_decided_is_kept_and_not_decided_again() {
    let world = ChatFixture::new();
    let event = announce(&world).await;
    let emma = id(&world, "emma");
    let before = explain(&world.emma, &emma, &event).await.data().clone();
    world.emma.put("/preferences/task", json!({"channel_inapp": false})).await.data();
    assert_eq!(explain(&world.emma, &emma, &event).await.data(), &before);
    let then = announce(&world).await;
    let told = explain(&world.emma, &emma, &then).await.data().clone();
    assert_eq!(told["channels"]["inapp"], json!({"sent": false, "rule": "preference", "level": "user"}));
}

#[tokio::test]
async fn the_question_names_a_person_and_an_event_and_nothing_else() {
    let world = ChatFixture::new();
    let (event, emma) = (announce(&world).await, id(&world, "emma"));
    for wrong in [
        String::new(),
        format!("?user_id={emma}"),
        format!("?event_id={event}"),
        format!("?user_id=x&event_id={event}"),
        format!("?user_id={emma}&event_id={event}&channel=email"),
    ] {
        let answer = world.awa.get(&format!("/notifications/explain{wrong}")).await;
        assert_eq!(answer.error(), (422, "VALIDATION_ERROR"), "{wrong}");
    }
}

#[tokio::test]
async fn an_event_of_another_tenant_is_not_there() {
    let world = ChatFixture::new();
    let event = announce(&world).await;
    let platform =
        crate::api::sample_records::token(&world.server, "platform", "*", guichet_base::Role::Service);
    let platform = Api::new(&world.server.url, Some(&platform));
    let made = platform.post("/tenants", json!({"slug": "elsewhere", "name": "Elsewhere"})).await;
    let tenant = made.data()["id"].as_str().unwrap().to_owned();
    let owner = Uuid::now_v7().to_string();
    let body = json!({"role": "owner", "display_name": "Owner"});
    platform.with_header("x-tenant", &tenant).put(&format!("/users/{owner}"), body).await.data();
    let token = crate::api::sample_records::token(&world.server, &owner, &tenant, guichet_base::Role::Owner);
    let owner_there = Api::new(&world.server.url, Some(&token));
    for user in [&owner, &id(&world, "emma")] {
        assert_eq!(explain(&owner_there, user, &event).await.error(), (404, "NOT_FOUND"));
    }
}
