//! Digest and quiet hours.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Timestamptz};
use guichet_base::Timestamp;
use guichet_db::embedded::LoginRole;
use serde_json::{Value, json};

use crate::harness::ChatFixture;

#[derive(QueryableByName)]
struct Due {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    digest_due_at: Option<Timestamp>,
}

fn due(world: &ChatFixture, name: &str) -> Option<Timestamp> {
    let mut admin = world.server.database.connect(LoginRole::Admin);
    let id = world.server.user(name).id;
    let query = format!("SELECT digest_due_at FROM notification_settings WHERE user_id = '{id}'");
    diesel::sql_query(query).get_result::<Due>(&mut admin).unwrap().digest_due_at
}

#[tokio::test]
async fn what_is_no_time_no_zone_or_no_mode_is_refused_with_all_faults_at_once() {
    let world = ChatFixture::new();
    let put = async |body: Value| world.emma.put("/preferences", body).await;
    let many = put(json!({
        "digest": {"mode": "daily", "hour": 24, "timezone": "Europe/Nowhere"},
        "quiet_hours": {"from": "25:00", "to": "7", "timezone": ""}}))
    .await;
    let faults: Vec<&str> = many.body["error"]["details"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["field"].as_str().unwrap())
        .collect();
    assert_eq!(many.error(), (422, "VALIDATION_ERROR"));
    let expected =
        ["digest.timezone", "digest.hour", "quiet_hours.from", "quiet_hours.to", "quiet_hours.timezone"];
    assert_eq!(faults, expected);
    for wrong in [
        json!({"digest": {"mode": "hourly"}}),
        json!({"digest": {"hour": 8}}),
        json!({"digest": {"mode": "daily", "hour": -1}}),
        json!({"quiet_hours": {"from": "22:00"}}),
        json!({"quiet_hours": {"from": "22:00", "to": "22:00"}}),
        json!({"quiet_hours": {"from": "22:00:00", "to": "07:00"}}),
        json!({"quiet_hours": "22:00-07:00"}),
        json!({"channel_email": false}),
    ] {
        assert_eq!(put(wrong.clone()).await.error(), (422, "VALIDATION_ERROR"), "{wrong}");
    }
    let shown = world.emma.get("/preferences").await.data().clone();
    assert_eq!((&shown["digest"]["mode"], &shown["quiet_hours"]), (&json!("off"), &Value::Null));
}

#[tokio::test]
async fn a_digest_is_due_at_the_next_such_hour_and_not_when_it_is_off() {
    let world = ChatFixture::new();
    let put = async |body: Value| world.chloe.put("/preferences", body).await.data()["digest"].clone();
    let daily = put(json!({"digest": {"mode": "daily", "hour": 6, "timezone": "Asia/Tokyo"}})).await;
    assert_eq!(daily, json!({"mode": "daily", "hour": 6, "timezone": "Asia/Tokyo"}));
    let (now, day) = (world.server.clock.now(), std::time::Duration::from_secs(86_400));
    let at = due(&world, "chloe").unwrap();
    assert!(at > now && at <= now.plus(day) && at.to_string().ends_with("T21:00:00.000Z"), "{at}");
    let weekly = put(json!({"digest": {"mode": "weekly"}})).await;
    assert_eq!(
        weekly,
        json!({"mode": "weekly", "hour": 6, "timezone": "Asia/Tokyo"}),
        "what is absent stays"
    );
    assert!(due(&world, "chloe").unwrap() <= now.plus(day * 8));
    let home = put(json!({"digest": {"mode": "daily", "timezone": null}})).await;
    assert_eq!(home["timezone"], "Europe/Paris", "the person's own");
    assert_eq!(put(json!({"digest": {"mode": "off"}})).await["mode"], "off");
    assert_eq!(due(&world, "chloe"), None);
}

#[tokio::test]
async fn quiet_hours_are_kept_in_a_zone_and_go_with_null() {
    let world = ChatFixture::new();
    let put = async |body: Value| world.emma.put("/preferences", body).await.data()["quiet_hours"].clone();
    let set = put(json!({"quiet_hours": {"from": "22:30", "to": "07:05"}})).await;
    assert_eq!(set, json!({"from": "22:30", "to": "07:05", "timezone": "Europe/Paris"}));
    let elsewhere = json!({"from": "12:00", "to": "14:00", "timezone": "America/New_York"});
    assert_eq!(put(json!({"quiet_hours": elsewhere})).await, elsewhere);
    assert_eq!(put(json!({})).await, elsewhere);
    assert_eq!(put(json!({"digest": {"mode": "daily"}})).await, elsewhere, "the one leaves the other");
    assert_eq!(world.emma.get("/preferences").await.data()["quiet_hours"], elsewhere);
    assert_eq!(world.denis.get("/preferences").await.data()["quiet_hours"], Value::Null, "nobody else's");
    assert_eq!(put(json!({"quiet_hours": null})).await, Value::Null);
    assert_eq!(world.emma.get("/preferences").await.data()["digest"]["mode"], "daily");
}
