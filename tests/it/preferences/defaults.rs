//! Defaults of a tenant for people who made no choice.

use serde_json::{Value, json};

use super::{is, shown};
use crate::harness::ChatFixture;

async fn set(world: &ChatFixture, notifications: Value) -> crate::harness::ApiResponse {
    let body = json!({"settings": {"defaults": {"notifications": notifications}}, "force": true});
    world.awa.patch("/tenant", body).await
}

#[tokio::test]
async fn what_is_neither_on_nor_off_is_refused_by_its_place() {
    let world = ChatFixture::new();
    let answer = set(&world, json!({"message": {"email": "no"}})).await;
    assert_eq!(answer.fault(), ("settings.defaults.notifications.message.email", "wrong_type"));
    let answer = set(&world, json!({"message": false})).await;
    assert_eq!(answer.fault(), ("settings.defaults.notifications.message", "wrong_type"));
    assert_eq!(set(&world, json!(true)).await.fault(), ("settings.defaults.notifications", "wrong_type"));
    assert_eq!(shown(&world.emma, "message", "email").await, is(true, "default"));
}

#[tokio::test]
async fn they_count_for_everybody_until_somebody_chooses_or_it_is_locked() {
    let world = ChatFixture::new();
    let off = json!({"email": false, "inapp": false});
    set(&world, json!({"task": off, "system": off, "unheard": {"of": true}, "note": {"fax": true}}))
        .await
        .data();
    for person in [&world.awa, &world.emma, &world.chloe] {
        assert_eq!(shown(person, "task", "email").await, is(false, "default"));
        assert_eq!(shown(person, "task", "sms").await, is(true, "default"));
        assert_eq!(shown(person, "system", "inapp").await, is(true, "locked"));
        assert_eq!(shown(person, "system", "email").await, is(false, "default"));
    }
    world.chloe.put("/preferences/task", json!({"channel_email": true})).await.data();
    assert_eq!(shown(&world.chloe, "task", "email").await, is(true, "user"));
    world
        .emma
        .put(&format!("/clients/{}/notification-overrides/task", world.nord), json!({"channel_inapp": true}))
        .await
        .data();
    assert_eq!(shown(&world.chloe, "task", "inapp").await, is(true, "override"));
    set(&world, json!({})).await.data();
    assert_eq!(shown(&world.emma, "task", "email").await, is(true, "default"));
}
