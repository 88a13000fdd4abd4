//! Reading, archiving, snoozing and deleting one: the effects, once however often repeated.

use std::time::Duration;

use serde_json::{Value, json};

use super::{HOLES, act, head, later, tell, tell_for, titles, told_after, unread, unthrottled};
use crate::harness::ChatFixture;
use crate::notifications::rows;

#[tokio::test]
async fn values_that_are_wrong_are_named() {
    let world = ChatFixture::new();
    let id = tell(&world, "Relire").await;
    let snooze = format!("/notifications/{id}/snooze");
    let past = later(&world, 0);
    let far = later(&world, 367 * 24 * 3_600);
    for (body, fault) in [
        (json!({}), ("minutes", "missing")),
        (json!({"minutes": 5, "until": far}), ("minutes", "ambiguous")),
        (json!({"minutes": 0}), ("minutes", "out_of_range")),
        (json!({"minutes": 527_041}), ("minutes", "out_of_range")),
        (json!({"minutes": "5"}), ("minutes", "wrong_type")),
        (json!({"until": past}), ("until", "out_of_range")),
        (json!({"until": far}), ("until", "out_of_range")),
        (json!({"hours": 1}), ("hours", "unknown_field")),
    ] {
        assert_eq!(world.emma.post(&snooze, body.clone()).await.fault(), fault, "{body}");
    }
    let many = vec![id.clone(); 1_001];
    for (body, fault) in [
        (json!({}), ("ids", "missing")),
        (json!({"ids": [], "until": past}), ("ids", "ambiguous")),
        (json!({"ids": []}), ("ids", "too_few")),
        (json!({"ids": many}), ("ids", "too_many")),
    ] {
        assert_eq!(world.emma.post("/notifications/read", body.clone()).await.fault(), fault, "{body}");
    }
    assert_eq!(unread(&world, &world.emma).await, 1);
}

#[tokio::test]
async fn acking_reads_once_and_answers_the_same_again() {
    let world = ChatFixture::new();
    let id = tell(&world, "Relire").await;
    let before = head(&world);
    let first = act(&world.emma, &id, "ack").await.data().clone();
    assert_eq!((&first["status"], &first["is_read"]), (&json!("read"), &json!(true)));
    world.server.clock.advance(std::time::Duration::from_secs(60));
    for deed in ["ack", "read"] {
        assert_eq!(act(&world.emma, &id, deed).await.data(), &first);
    }
    let put = world.emma.put(&format!("/notifications/{id}/read"), json!({})).await;
    assert_eq!(put.data(), &first);
    let told = told_after(&world, before);
    assert_eq!(told["notify:updated"], [json!({"notification": first, "unread": 0, "raised": false})]);
    assert_eq!((told.len(), unread(&world, &world.emma).await), (1, 0));
    assert_eq!(rows::number(&world.server, HOLES), 0);
}

#[tokio::test]
async fn the_archive_takes_it_off_the_counter_and_gives_it_back_as_it_was() {
    let world = ChatFixture::new();
    let id = tell(&world, "Relire").await;
    let before = head(&world);
    for _ in 0..2 {
        let archived = act(&world.emma, &id, "archive").await.data().clone();
        assert_eq!((&archived["status"], &archived["is_read"]), (&json!("archived"), &json!(false)));
        assert_eq!(unread(&world, &world.emma).await, 0);
    }
    assert!(titles(&world.emma, "").await.is_empty());
    assert_eq!(titles(&world.emma, "?status=archived").await.len(), 1);
    for _ in 0..2 {
        let back = act(&world.emma, &id, "unarchive").await.data().clone();
        assert_eq!((&back["status"], &back["archived_at"]), (&json!("unread"), &Value::Null));
        assert_eq!(unread(&world, &world.emma).await, 1);
    }
    act(&world.emma, &id, "ack").await.data();
    act(&world.emma, &id, "archive").await.data();
    assert_eq!(act(&world.emma, &id, "unarchive").await.data()["status"], "read");
    assert_eq!(told_after(&world, before)["notify:updated"].len(), 5);
}

#[tokio::test]
async fn what_is_deleted_is_gone_and_deleting_it_again_is_no_fault() {
    let world = ChatFixture::new();
    let (id, _other) = (tell(&world, "Relire").await, tell(&world, "Signer").await);
    let before = head(&world);
    for _ in 0..2 {
        let gone = world.emma.delete(&format!("/notifications/{id}")).await.data().clone();
        assert_eq!(gone, json!({"id": id, "unread": 1}));
    }
    assert_eq!(told_after(&world, before)["notify:deleted"], [json!({"id": id, "unread": 1})]);
    assert_eq!(world.emma.get(&format!("/notifications/{id}")).await.error(), (404, "NOT_FOUND"));
    for deed in ["ack", "archive", "unarchive"] {
        assert_eq!(act(&world.emma, &id, deed).await.error(), (404, "NOT_FOUND"));
    }
    let read = world.emma.post("/notifications/read", json!({"ids": [id]})).await.data().clone();
    assert_eq!(read, json!({"updated": 0, "unread": 1}));
    assert_eq!((titles(&world.emma, "?status=all").await.len(), unread(&world, &world.emma).await), (1, 1));
}

#[tokio::test]
async fn a_snoozed_one_is_in_no_list_but_can_be_dealt_with() {
    let world = ChatFixture::new();
    let id = tell(&world, "Relire").await;
    let until = later(&world, 600);
    let before = head(&world);
    for _ in 0..2 {
        let path = format!("/notifications/{id}/snooze");
        let asleep = world.emma.post(&path, json!({"until": until})).await.data().clone();
        assert_eq!(asleep["snoozed_until"], json!(until));
    }
    assert_eq!(told_after(&world, before)["notify:updated"].len(), 1);
    assert!(titles(&world.emma, "?status=all").await.is_empty());
    assert_eq!(unread(&world, &world.emma).await, 0);
    world.emma.get(&format!("/notifications/{id}")).await.data();
    let read = act(&world.emma, &id, "ack").await.data().clone();
    assert_eq!((&read["status"], &read["snoozed_until"]), (&json!("read"), &Value::Null));
    assert_eq!((titles(&world.emma, "").await.len(), unread(&world, &world.emma).await), (1, 0));
}

#[tokio::test]
async fn what_is_over_is_in_no_badge_that_a_socket_is_told() {
    let world = unthrottled();
    tell_for(&world, "bientôt passé", 60).await;
    world.server.clock.advance(Duration::from_secs(61));
    tell(&world, "neu").await;
    let last =
        "SELECT (payload ->> 'unread')::int FROM outbox WHERE event = 'notify:new' ORDER BY seq DESC LIMIT 1";
    assert_eq!(rows::number(&world.server, last), 1);
}
