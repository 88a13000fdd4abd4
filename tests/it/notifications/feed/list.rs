//! Lists: orders and filters.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::{act, announce, later, tell, titles, titles_of};
use crate::harness::ChatFixture;
use crate::notifications::rows::task;

/// Three priorities, oldest first: critical, high, low; and one that is read.
async fn mixed(world: &ChatFixture) {
    let emma = world.server.user("emma").id;
    let to = json!({"users": [emma]});
    for event in [
        json!({"event": "system.announcement", "payload": {"title": "Incendie", "body": "Sortez"}, "recipients": to}),
        task(emma, "Relire"),
        json!({"event": "report.generated", "payload": {"user_id": emma, "report_id": "1", "name": "Octobre"}}),
        json!({"event": "mandat.created", "payload": {"user_id": emma, "mandat_id": "9", "title": "Été à Évian"}}),
    ] {
        announce(world, event).await;
        world.server.clock.advance(Duration::from_secs(1));
    }
    let newest = world.emma.get("/notifications?sort=recent&limit=1").await.data()[0]["id"].clone();
    act(&world.emma, newest.as_str().unwrap(), "ack").await.data();
}

/// The codes of a list.
async fn kinds(world: &ChatFixture, query: &str) -> Vec<String> {
    let found = world.emma.get(&format!("/notifications{query}")).await.data().clone();
    found.as_array().unwrap().iter().map(|one| one["type"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_is_asked_wrongly_is_named_all_at_once() {
    let world = ChatFixture::new();
    let query = "?sort=newest&status=new&category=x&priority=x&channel=web&limit=0&cursor=x&offset=1&q=";
    let answer = world.emma.get(&format!("/notifications{query}")).await;
    assert_eq!(answer.error(), (422, "VALIDATION_ERROR"));
    let mut faults: Vec<&str> = answer.body["error"]["details"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["field"].as_str().unwrap())
        .collect();
    faults.dedup();
    assert_eq!(faults, ["sort", "status", "category", "priority", "channel", "q", "cursor", "limit"]);
    for (query, fault) in [
        ("?is_read=perhaps", ("is_read", "wrong_type")),
        ("?since=yesterday", ("since", "wrong_type")),
        ("?team_id=7", ("team_id", "wrong_type")),
        ("?unread=true", ("unread", "unknown_field")),
    ] {
        assert_eq!(world.emma.get(&format!("/notifications{query}")).await.fault(), fault, "{query}");
    }
}

#[tokio::test]
async fn unread_ones_come_first_then_the_newest() {
    let world = ChatFixture::new();
    mixed(&world).await;
    let (critical, high, low, read) =
        ("system.announcement", "task.overdue", "report.generated", "mandat.created");
    assert_eq!(kinds(&world, "").await, [low, high, critical, read]);
    assert_eq!(kinds(&world, "?sort=recent").await, [read, low, high, critical]);
    assert_eq!(kinds(&world, "?sort=priority").await, [critical, high, read, low]);
}

#[tokio::test]
async fn each_filter_leaves_what_it_says() {
    let world = ChatFixture::new();
    mixed(&world).await;
    let (critical, high, low, read) =
        ("system.announcement", "task.overdue", "report.generated", "mandat.created");
    for (query, expected) in [
        ("type=task.overdue", &[high][..]),
        ("category=mandat", &[read]),
        ("priority=critical", &[critical]),
        ("is_read=true", &[read]),
        ("is_read=false", &[low, high, critical]),
        ("status=read", &[read]),
        ("status=unread", &[low, high, critical]),
        ("status=archived", &[]),
        ("channel=inapp", &[low, high, critical, read]),
        ("channel=sms", &[]),
        ("type=no.such", &[]),
        ("type=task.overdue&is_read=true", &[]),
        (&format!("team_id={}", Uuid::now_v7()), &[]),
    ] {
        for sort in ["unread", "recent", "priority"] {
            let mut found = kinds(&world, &format!("?{query}&sort={sort}")).await;
            let mut expected = expected.to_vec();
            found.sort();
            expected.sort_unstable();
            assert_eq!(found, expected, "{query} by {sort}");
        }
    }
    let since = later(&world, 0);
    tell(&world, "Après").await;
    assert_eq!(titles(&world.emma, &format!("?since={since}")).await, ["Après"]);
}

#[tokio::test]
async fn what_went_out_by_mail_is_found_by_its_channel() {
    let world = ChatFixture::new();
    let emma = world.server.user("emma").id;
    let asked = json!({"event": "validation.requested", "payload": {"client_id": world.nord, "subject": "Brief"},
        "recipients": {"users": [emma]}});
    announce(&world, asked).await;
    tell(&world, "Relire").await;
    assert_eq!(kinds(&world, "?channel=email").await, ["validation.requested"]);
}

#[tokio::test]
async fn a_team_s_notifications_are_found_by_the_team() {
    let world = ChatFixture::new();
    let (team, emma) = (Uuid::now_v7(), world.server.user("emma").id);
    world.service.put(&format!("/teams/{team}"), json!({"name": "Ventes"})).await.data();
    world.service.put(&format!("/teams/{team}/members/{emma}"), json!({})).await.data();
    tell(&world, "Relire").await;
    announce(
        &world,
        json!({"event": "pipeline.stage_changed", "payload": {"team_id": team, "deal_id": "1", "title": "Vente", "from": "a", "to": "b"}}),
    )
    .await;
    let found = world.emma.get(&format!("/notifications?team_id={team}")).await.data().clone();
    assert_eq!((found.as_array().unwrap().len(), &found[0]["team_id"]), (1, &json!(team)));
}

#[tokio::test]
async fn words_are_found_whatever_their_accents_case_and_inflection() {
    let world = ChatFixture::new();
    mixed(&world).await;
    for (words, expected) in [
        ("evian", &["mandat.created"][..]),
        ("EVIAN%20%C3%A9t%C3%A9", &["mandat.created"]),
        ("sortir", &["system.announcement"]),
        ("sortez", &["system.announcement"]),
        ("octobre%20-octobre", &[]),
        ("%22a%20evian%22", &["mandat.created"]),
        ("lyon", &[]),
        ("-lyon", &[]),
        ("%27;%22(:*", &[]),
    ] {
        for sort in ["unread", "recent", "priority"] {
            assert_eq!(
                kinds(&world, &format!("?q={words}&sort={sort}")).await,
                expected,
                "{words} by {sort}"
            );
        }
    }
}

#[tokio::test]
async fn one_is_found_by_its_id_as_the_list_has_it() {
    let world = ChatFixture::new();
    let id = tell(&world, "Relire").await;
    let one = world.emma.get(&format!("/notifications/{id}")).await.data().clone();
    assert_eq!(world.emma.get("/notifications").await.data(), &json!([one]));
    assert_eq!(world.emma.get("/notifications/unread").await.data(), &json!({"count": 1, "items": [one]}));
    assert_eq!(titles_of(&json!([one])), ["Relire"]);
    assert_eq!(
        (&one["type"], &one["category"], &one["priority"], &one["status"], &one["is_read"], &one["channel"]),
        (
            &json!("task.overdue"),
            &json!("task"),
            &json!("high"),
            &json!("unread"),
            &json!(false),
            &json!("inapp")
        )
    );
    for wrong in ["7", "x", "unread%00"] {
        assert_eq!(world.emma.get(&format!("/notifications/{wrong}")).await.error(), (404, "NOT_FOUND"));
    }
}
