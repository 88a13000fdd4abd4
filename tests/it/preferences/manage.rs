//! A person's own choices.

use diesel::prelude::*;
use guichet_db::embedded::LoginRole;
use serde_json::{Value, json};

use super::{CATEGORIES, is, shown};
use crate::harness::{Api, ChatFixture, TestServer};

#[tokio::test]
async fn nobody_and_no_service_has_preferences() {
    let world = ChatFixture::new();
    assert_eq!(world.anonymous.get("/preferences").await.status, 401);
    for (path, body) in
        [("/preferences", json!({})), ("/preferences/message", json!({"channel_email": false}))]
    {
        assert_eq!(world.service.put(path, body.clone()).await.error(), (403, "FORBIDDEN"), "{path}");
        assert_eq!(world.anonymous.put(path, body).await.status, 401, "{path}");
    }
    assert_eq!(world.service.get("/preferences").await.error(), (403, "FORBIDDEN"));
}

#[tokio::test]
async fn in_app_of_system_and_graduation_cannot_be_switched_off() {
    let world = ChatFixture::new();
    for person in [&world.awa, &world.chloe] {
        for category in ["system", "graduation"] {
            let path = format!("/preferences/{category}");
            let answer = person.put(&path, json!({"channel_inapp": false, "channel_email": false})).await;
            assert_eq!(answer.error(), (422, "PREFERENCE_LOCKED"));
            let details = &answer.body["error"]["details"];
            assert_eq!(details, &json!({"category": category, "channel": "inapp"}));
            assert_eq!(shown(person, category, "email").await, is(true, "default"), "nothing is half done");
            for harmless in [
                json!({"channel_inapp": true}),
                json!({"channel_inapp": null}),
                json!({"channel_email": false}),
            ] {
                assert_eq!(person.put(&path, harmless).await.status, 200);
            }
            assert_eq!(shown(person, category, "inapp").await, is(true, "locked"));
            assert_eq!(shown(person, category, "email").await, is(false, "user"));
        }
    }
    let english = world.chloe.with_header("accept-language", "en");
    let told = english.put("/preferences/system", json!({"channel_inapp": false})).await;
    assert_eq!(told.body["error"]["message"], "This channel cannot be switched off for this category.");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let world = ChatFixture::new();
    let before = world.emma.get("/preferences").await.data().clone();
    for wrong in
        [json!({"channel_email": "off"}), json!({"channel_fax": true}), json!({"email": false}), json!([])]
    {
        let answer = world.emma.put("/preferences/message", wrong.clone()).await;
        assert_eq!(answer.error(), (422, "VALIDATION_ERROR"), "{wrong}");
    }
    for unknown in ["nothing", "Message", "message%00", "everything"] {
        let path = format!("/preferences/{unknown}");
        assert_eq!(world.emma.put(&path, json!({"channel_email": false})).await.error(), (404, "NOT_FOUND"));
    }
    assert_eq!(world.emma.get("/preferences").await.data(), &before);
}

#[tokio::test]
async fn at_first_everything_is_on_by_default_and_shown_in_one_call() {
    let world = ChatFixture::new();
    for person in [&world.awa, &world.denis, &world.emma, &world.chloe] {
        let all = person.get("/preferences").await.data().clone();
        let lines = all["categories"].as_array().unwrap();
        assert_eq!(
            lines.iter().map(|line| line["category"].as_str().unwrap()).collect::<Vec<_>>(),
            CATEGORIES
        );
        for line in lines {
            let locked = line["category"] == "system" || line["category"] == "graduation";
            let inapp = if locked { "locked" } else { "default" };
            let on = json!({"on": true, "why": "default"});
            let expected = json!({"inapp": {"on": true, "why": inapp}, "email": on, "sms": on, "push": on});
            assert_eq!(line["channels"], expected, "{line}");
        }
        assert_eq!(all["digest"], json!({"mode": "off", "hour": 8, "timezone": "Europe/Paris"}));
        assert_eq!(all["quiet_hours"], Value::Null);
    }
}

#[tokio::test]
async fn a_choice_is_shown_at_once_what_is_absent_stays_and_null_goes_back_to_the_default() {
    let world = ChatFixture::new();
    let path = "/preferences/ticket";
    let answer = world.emma.put(path, json!({"channel_email": false, "channel_push": true})).await;
    let expected = json!({"category": "ticket", "channels": {
        "inapp": {"on": true, "why": "default"}, "email": {"on": false, "why": "user"},
        "sms": {"on": true, "why": "default"}, "push": {"on": true, "why": "user"}}});
    assert_eq!(answer.data(), &expected);
    let again = world.emma.put(path, json!({"channel_email": false})).await;
    assert_eq!(again.data(), &expected, "the same again, and push stays");
    assert_eq!(world.emma.put(path, json!({})).await.data(), &expected);
    world.emma.put(path, json!({"channel_email": null})).await.data();
    assert_eq!(shown(&world.emma, "ticket", "email").await, is(true, "default"));
    assert_eq!(shown(&world.emma, "ticket", "push").await, is(true, "user"));
    assert_eq!(shown(&world.emma, "task", "push").await, is(true, "default"), "no other category");
    assert_eq!(shown(&world.denis, "ticket", "push").await, is(true, "default"), "nor anybody else");
}

#[tokio::test]
async fn two_tabs_that_save_different_channels_at_the_same_moment_both_count() {
    let world = ChatFixture::new();
    for category in CATEGORIES.into_iter().take(10) {
        if category == "system" || category == "graduation" {
            continue;
        }
        let path = format!("/preferences/{category}");
        let (one, other, third) = tokio::join!(
            world.emma.put(&path, json!({"channel_email": false})),
            world.emma.put(&path, json!({"channel_sms": false})),
            world.emma.put(&path, json!({"channel_inapp": false})),
        );
        assert!([one, other, third].iter().all(|answer| answer.status == 200));
        for channel in ["email", "sms", "inapp"] {
            assert_eq!(
                shown(&world.emma, category, channel).await,
                is(false, "user"),
                "{category} {channel}"
            );
        }
    }
}

#[tokio::test]
async fn the_operator_of_a_member_cannot_change_the_members_own_choice_even_in_sql() {
    let world = ChatFixture::new();
    world.chloe.put("/preferences/message", json!({"channel_email": false})).await.data();
    world.emma.put("/preferences/message", json!({"channel_email": true})).await.data();
    assert_eq!(shown(&world.chloe, "message", "email").await, is(false, "user"));
    let mut app = world.server.database.connect(LoginRole::App);
    let chloe = world.server.user("chloe").id;
    for (name, role) in [("emma", "employee"), ("awa", "owner"), ("denis", "manager")] {
        let actor = format!(
            "SELECT set_config('app.tenant_id', '{}', false), set_config('app.user_id', '{}', false), \
             set_config('app.role', '{role}', false)",
            world.server.demo.tenant_id,
            world.server.user(name).id
        );
        diesel::sql_query(actor).execute(&mut app).unwrap();
        let changed = diesel::sql_query(
            "UPDATE notification_preferences SET channel_email = true WHERE category = 'message' AND NOT channel_email",
        );
        assert_eq!(changed.execute(&mut app).unwrap(), 0, "{name}");
        let made = format!(
            "INSERT INTO notification_preferences (tenant_id, user_id, category, channel_email) \
             VALUES ('{}', '{chloe}', 'task', true)",
            world.server.demo.tenant_id
        );
        assert!(diesel::sql_query(made).execute(&mut app).is_err(), "{name}");
    }
}

#[tokio::test]
async fn channels_that_are_switched_off_for_all_stay_visible_with_their_preference() {
    let variables = [("NOTIFICATION_EMAIL_ENABLED", "false"), ("FEATURES_OFF", "push")];
    let world = ChatFixture::on_server(TestServer::start_with(&variables));
    world.emma.put("/preferences/message", json!({"channel_email": false})).await.data();
    assert_eq!(shown(&world.emma, "message", "email").await, is(false, "user"));
    assert_eq!(shown(&world.emma, "message", "sms").await, is(true, "default"));
    assert_eq!(shown(&world.emma, "message", "push").await, is(true, "default"));
}

#[tokio::test]
async fn without_the_feature_there_are_none() {
    let world = ChatFixture::on_server(TestServer::start_with(&[("FEATURES_OFF", "notifications")]));
    let overrides = format!("/clients/{}/notification-overrides", world.nord);
    let one = format!("{overrides}/message");
    for path in ["/preferences", &overrides, &one] {
        assert_eq!(world.awa.get(path).await.error(), (403, "FEATURE_DISABLED"), "{path}");
    }
    for path in ["/preferences", "/preferences/message", &one] {
        assert_eq!(world.awa.put(path, json!({})).await.error(), (403, "FEATURE_DISABLED"), "{path}");
    }
    assert_eq!(world.awa.delete(&one).await.error(), (403, "FEATURE_DISABLED"));
}

#[tokio::test]
async fn both_bases_answer_alike() {
    let world = ChatFixture::new();
    let short = reqwest::Client::new().get(format!("{}/api/preferences", world.server.url));
    let token = &world.server.user("emma").token;
    let answer = crate::harness::ApiResponse::receive(short.bearer_auth(token)).await;
    let long: &Api = &world.emma;
    assert_eq!(answer.data(), long.get("/preferences").await.data());
}
