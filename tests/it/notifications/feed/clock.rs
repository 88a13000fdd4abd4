//! Snoozes that end and notifications that expire, also before the job has run.

use std::time::Duration;

use guichet::notifications::feed;
use serde_json::{Value, json};

use super::{HOLES, act, head, later, tell, tell_for, titles, told_after, unread};
use crate::harness::ChatFixture;
use crate::notifications::rows;

async fn wake(world: &ChatFixture) -> u64 {
    feed::wake_snoozed(&world.server.app.notifications, world.server.clock.now()).await.unwrap()
}

async fn expire(world: &ChatFixture) -> u64 {
    feed::expire(&world.server.app.notifications, world.server.clock.now()).await.unwrap()
}

async fn snooze(world: &ChatFixture, id: &str, minutes: u64) {
    let path = format!("/notifications/{id}/snooze");
    world.emma.post(&path, json!({"minutes": minutes})).await.data();
}

#[tokio::test]
async fn a_snoozed_one_comes_back_unread_as_the_newest_with_its_event() {
    let world = ChatFixture::new();
    let id = tell(&world, "Relire").await;
    act(&world.emma, &id, "ack").await.data();
    snooze(&world, &id, 10).await;
    world.server.clock.advance(Duration::from_secs(60));
    tell(&world, "Signer").await;
    let before = head(&world);
    world.server.clock.advance(Duration::from_secs(8 * 60));
    assert_eq!(wake(&world).await, 0);
    assert_eq!(titles(&world.emma, "").await, ["Signer"]);
    world.server.clock.advance(Duration::from_secs(60));
    assert_eq!((wake(&world).await, wake(&world).await), (1, 0));
    assert_eq!(titles(&world.emma, "?sort=recent").await, ["Relire", "Signer"]);
    let told = told_after(&world, before);
    let [woken] = &told["notify:updated"][..] else { panic!("{told:?}") };
    assert_eq!((&woken["raised"], &woken["unread"]), (&json!(true), &json!(2)));
    let notification = &woken["notification"];
    assert_eq!(
        (&notification["status"], &notification["read_at"], &notification["snoozed_until"]),
        (&json!("unread"), &Value::Null, &Value::Null)
    );
    assert_eq!((unread(&world, &world.emma).await, rows::number(&world.server, HOLES)), (2, 0));
}

#[tokio::test]
async fn what_is_over_is_gone_before_the_job_was_there_and_after() {
    let world = ChatFixture::new();
    let id = tell_for(&world, "Relire", 60).await;
    let stays = tell(&world, "Signer").await;
    assert_eq!(unread(&world, &world.emma).await, 2);
    world.server.clock.advance(Duration::from_secs(61));
    let gone = async |count: i64| {
        assert_eq!(titles(&world.emma, "?status=all").await, ["Signer"]);
        assert_eq!(world.emma.get(&format!("/notifications/{id}")).await.error(), (404, "NOT_FOUND"));
        for deed in ["ack", "archive", "unarchive"] {
            assert_eq!(act(&world.emma, &id, deed).await.error(), (404, "NOT_FOUND"));
        }
        let waiting = world.emma.get("/notifications/unread").await.data().clone();
        assert_eq!((waiting["count"].as_i64(), unread(&world, &world.emma).await), (Some(count), count));
    };
    gone(1).await;
    let before = head(&world);
    assert_eq!((expire(&world).await, expire(&world).await), (1, 0));
    assert_eq!(told_after(&world, before)["notify:deleted"], [json!({"id": id, "unread": 1})]);
    gone(1).await;
    act(&world.emma, &stays, "ack").await.data();
    gone(0).await;
}

#[tokio::test]
async fn counters_of_answers_and_events_leave_out_what_is_over_already() {
    let world = ChatFixture::new();
    tell_for(&world, "Relire", 60).await;
    let id = tell(&world, "Signer").await;
    tell(&world, "Payer").await;
    world.server.clock.advance(Duration::from_secs(61));
    let before = head(&world);
    act(&world.emma, &id, "ack").await.data();
    assert_eq!(told_after(&world, before)["notify:updated"][0]["unread"], 1);
    let read = world.emma.post("/notifications/read", json!({"ids": [id]})).await.data().clone();
    assert_eq!(read, json!({"updated": 0, "unread": 1}));
    let until = later(&world, 0);
    let read = world.emma.post("/notifications/read", json!({"until": until})).await.data().clone();
    assert_eq!(read, json!({"updated": 1, "unread": 0}));
    assert_eq!(expire(&world).await, 1);
    assert_eq!(unread(&world, &world.emma).await, 0);
}

#[tokio::test]
async fn what_is_over_while_it_sleeps_never_comes_back() {
    let world = ChatFixture::new();
    let id = tell_for(&world, "Relire", 60).await;
    snooze(&world, &id, 5).await;
    world.server.clock.advance(Duration::from_secs(301));
    assert_eq!((wake(&world).await, expire(&world).await, wake(&world).await), (0, 1, 0));
    assert_eq!(unread(&world, &world.emma).await, 0);
}

#[tokio::test]
async fn many_that_are_over_at_once_are_told_by_a_summary() {
    let world = super::unthrottled();
    for number in 0..51 {
        tell_for(&world, &number.to_string(), 60).await;
    }
    world.server.clock.advance(Duration::from_secs(61));
    let before = head(&world);
    assert_eq!(expire(&world).await, 51);
    let told = told_after(&world, before);
    assert_eq!((told.len(), &told["notify:summary"][0]["count"]), (1, &json!(51)));
    assert_eq!((unread(&world, &world.emma).await, rows::number(&world.server, HOLES)), (0, 0));
}

#[tokio::test]
async fn what_nobody_sees_expires_in_silence() {
    let world = ChatFixture::new();
    tell_for(&world, "Relire", 60).await;
    rows::run(&world.server, "UPDATE notifications SET visible = false");
    rows::run(&world.server, "UPDATE notification_feeds SET unread = 0");
    let before = head(&world);
    world.server.clock.advance(Duration::from_secs(61));
    assert_eq!((expire(&world).await, expire(&world).await), (1, 0));
    assert!(told_after(&world, before).is_empty());
}

#[tokio::test]
async fn each_person_s_notifications_are_dealt_with() {
    let world = ChatFixture::new();
    let announcement = json!({"event": "system.announcement", "payload": {"title": "Maintenance", "body": "ce soir"},
        "expires_at": later(&world, 60)});
    world.service.post("/events", announcement).await.data();
    world.server.clock.advance(Duration::from_secs(61));
    let people = i64::try_from(expire(&world).await).unwrap();
    assert_eq!(people, rows::number(&world.server, "SELECT count(*) FROM users"));
    assert_eq!(rows::number(&world.server, "SELECT sum(unread) FROM notification_feeds"), 0);
    assert_eq!(rows::number(&world.server, HOLES), 0);
}
