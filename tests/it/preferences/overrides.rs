//! Operators' overrides for the members of a client.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{is, last_override, shown};
use crate::harness::ChatFixture;

fn path(client: impl std::fmt::Display, category: &str) -> String {
    format!("/clients/{client}/notification-overrides/{category}")
}

#[tokio::test]
async fn a_client_that_one_may_not_know_of_is_not_there() {
    let world = ChatFixture::new();
    let off = json!({"channel_email": false});
    for (who, person) in [("karim", &world.karim), ("bruno", &world.bruno)] {
        for client in [world.nord.to_string(), Uuid::now_v7().to_string(), "x".to_owned()] {
            let one = path(&client, "message");
            assert_eq!(person.get(&one).await.error(), (404, "NOT_FOUND"), "{who} {client}");
            assert_eq!(person.put(&one, off.clone()).await.error(), (404, "NOT_FOUND"), "{who} {client}");
            assert_eq!(person.delete(&one).await.error(), (404, "NOT_FOUND"), "{who} {client}");
            let all = format!("/clients/{client}/notification-overrides");
            assert_eq!(person.get(&all).await.error(), (404, "NOT_FOUND"), "{who} {client}");
        }
    }
    assert_eq!(shown(&world.chloe, "message", "email").await, is(true, "default"));
}

#[tokio::test]
async fn a_member_and_a_service_may_not_and_the_attempt_is_kept() {
    let world = ChatFixture::new();
    let one = path(world.nord, "message");
    let all = format!("/clients/{}/notification-overrides", world.nord);
    for person in [&world.chloe, &world.service] {
        assert_eq!(person.get(&all).await.error(), (403, "FORBIDDEN"));
        assert_eq!(person.get(&one).await.error(), (403, "FORBIDDEN"));
        assert_eq!(person.put(&one, json!({"channel_email": true})).await.error(), (403, "FORBIDDEN"));
        assert_eq!(person.delete(&one).await.error(), (403, "FORBIDDEN"));
    }
    assert!(world.activity_count("forbidden_attempt") >= 8);
    assert_eq!(world.activity_count("override.set"), 0);
}

#[tokio::test]
async fn what_is_locked_cannot_be_forced_off() {
    let world = ChatFixture::new();
    for category in ["system", "graduation"] {
        let one = path(world.nord, category);
        let answer = world.awa.put(&one, json!({"channel_inapp": false, "channel_email": false})).await;
        assert_eq!(answer.error(), (422, "PREFERENCE_LOCKED"));
        assert_eq!(world.awa.get(&one).await.data()["channel_email"], Value::Null);
        assert_eq!(
            world.awa.put(&one, json!({"channel_inapp": true, "channel_email": false})).await.status,
            200
        );
        assert_eq!(shown(&world.chloe, category, "inapp").await, is(true, "locked"));
        assert_eq!(shown(&world.chloe, category, "email").await, is(false, "override"));
    }
    assert_eq!(world.awa.put(&path(world.nord, "nothing"), json!({})).await.error(), (404, "NOT_FOUND"));
    let wrong = world.awa.put(&path(world.nord, "task"), json!({"channel_email": 1})).await;
    assert_eq!(wrong.error(), (422, "VALIDATION_ERROR"));
}

#[tokio::test]
async fn it_wins_over_the_members_own_choice_and_is_shown_to_them_as_such() {
    let world = ChatFixture::new();
    let one = path(world.nord, "message");
    world
        .chloe
        .put("/preferences/message", json!({"channel_email": true, "channel_sms": false}))
        .await
        .data();
    for (who, operator) in [("emma", &world.emma), ("denis", &world.denis), ("awa", &world.awa)] {
        let put =
            operator.put(&one, json!({"channel_email": false, "channel_sms": true})).await.data().clone();
        assert_eq!(
            (&put["channel_email"], &put["channel_sms"], &put["channel_push"]),
            (&json!(false), &json!(true), &Value::Null)
        );
        assert_eq!(put["updated_by"], json!(world.server.user(who).id));
        assert_eq!(shown(&world.chloe, "message", "email").await, is(false, "override"));
        assert_eq!(shown(&world.chloe, "message", "sms").await, is(true, "override"));
        assert_eq!(shown(&world.chloe, "message", "push").await, is(true, "default"));
        assert_eq!(operator.delete(&one).await.data()["updated_by"], Value::Null);
        assert_eq!(
            shown(&world.chloe, "message", "email").await,
            is(true, "user"),
            "their own choice is kept"
        );
        assert_eq!(shown(&world.chloe, "message", "sms").await, is(false, "user"));
    }
}

#[tokio::test]
async fn it_is_of_that_client_and_category_alone_and_never_of_operators() {
    let world = ChatFixture::new();
    world.emma.put(&path(world.nord, "ticket"), json!({"channel_email": false})).await.data();
    for person in [&world.emma, &world.awa, &world.bruno] {
        assert_eq!(shown(person, "ticket", "email").await, is(true, "default"));
    }
    assert_eq!(shown(&world.chloe, "ticket", "email").await, is(false, "override"));
    assert_eq!(shown(&world.chloe, "task", "email").await, is(true, "default"));
}

#[tokio::test]
async fn every_change_is_in_the_activity_log_with_what_was_and_what_is() {
    let world = ChatFixture::new();
    let one = path(world.nord, "payment");
    let say = |email: Value, push: Value| json!({"inapp": null, "email": email, "sms": null, "push": push});
    world.emma.put(&one, json!({"channel_email": false})).await.data();
    let row = last_override(&world.awa).await;
    assert_eq!((&row["entity_type"], &row["entity_id"]), (&json!("client"), &json!(world.nord)));
    assert_eq!(row["user_id"], json!(world.server.user("emma").id));
    let expected = json!({"category": "payment", "before": say(json!(null), json!(null)), "after": say(json!(false), json!(null))});
    assert_eq!(row["details"], expected);
    world.denis.put(&one, json!({"channel_push": true})).await.data();
    let row = last_override(&world.awa).await;
    let expected = json!({"category": "payment", "before": say(json!(false), json!(null)), "after": say(json!(false), json!(true))});
    assert_eq!(row["details"], expected, "what is absent stays");
    world.denis.put(&one, json!({"channel_push": true})).await.data();
    world.denis.put(&one, json!({})).await.data();
    assert_eq!(world.activity_count("override.set"), 2, "what changes nothing is no change");
    world.awa.delete(&one).await.data();
    let row = last_override(&world.awa).await;
    let expected = json!({"category": "payment", "before": say(json!(false), json!(true)), "after": say(json!(null), json!(null))});
    assert_eq!(row["details"], expected);
    world.awa.delete(&one).await.data();
    assert_eq!(world.activity_count("override.set"), 3, "gone already");
}

#[tokio::test]
async fn all_of_a_client_come_in_one_list() {
    let world = ChatFixture::new();
    let all = format!("/clients/{}/notification-overrides", world.nord);
    assert_eq!(world.emma.get(&all).await.data(), &json!([]));
    for category in ["task", "message"] {
        world.emma.put(&path(world.nord, category), json!({"channel_push": false})).await.data();
    }
    let listed = world.emma.get(&all).await.data().clone();
    let one = world.emma.get(&path(world.nord, "message")).await.data().clone();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!(listed[0], one);
    assert_eq!(one["channel_push"], json!(false));
    assert_eq!(
        world.awa.get(&format!("/clients/{}/notification-overrides", world.sud)).await.data(),
        &json!([])
    );
}

#[tokio::test]
async fn of_several_clients_of_one_member_off_by_any_wins() {
    let world = ChatFixture::new();
    let chloe = world.server.user("chloe").id;
    world.service.put(&format!("/clients/{}/members/{chloe}", world.sud), json!(null)).await;
    let joined = world.service.get(&format!("/clients/{}/members", world.sud)).await;
    assert!(joined.body.to_string().contains(&chloe.to_string()), "{}", joined.body);
    world
        .emma
        .put(&path(world.nord, "note"), json!({"channel_email": true, "channel_sms": true}))
        .await
        .data();
    assert_eq!(shown(&world.chloe, "note", "email").await, is(true, "override"));
    world.karim.put(&path(world.sud, "note"), json!({"channel_email": false})).await.data();
    assert_eq!(shown(&world.chloe, "note", "email").await, is(false, "override"));
    assert_eq!(shown(&world.chloe, "note", "sms").await, is(true, "override"));
    assert_eq!(shown(&world.bruno, "note", "sms").await, is(true, "default"));
}

#[tokio::test]
async fn of_many_who_save_at_once_every_change_counts_and_is_told_in_a_chain() {
    let world = ChatFixture::new();
    let one = path(world.nord, "meeting");
    let bodies = [
        json!({"channel_inapp": false}),
        json!({"channel_email": false}),
        json!({"channel_sms": true}),
        json!({"channel_push": true}),
    ];
    let saves = bodies.iter().map(|body| world.emma.put(&one, body.clone()));
    for answer in futures_util::future::join_all(saves).await {
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let kept = world.emma.get(&one).await.data().clone();
    let said =
        ["channel_inapp", "channel_email", "channel_sms", "channel_push"].map(|name| kept[name].clone());
    assert_eq!(said, [json!(false), json!(false), json!(true), json!(true)]);
    let rows = world.awa.get("/activity-logs?action=override.set").await.data().clone();
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 4);
    let befores: Vec<&Value> = rows.iter().map(|row| &row["details"]["before"]).collect();
    let afters: Vec<&Value> = rows.iter().map(|row| &row["details"]["after"]).collect();
    let chained = befores.iter().filter(|before| afters.contains(before)).count();
    assert_eq!(chained, 3, "each but the first begins where another ended: {rows:?}");
}
