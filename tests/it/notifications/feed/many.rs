//! Marking many as read.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{HOLES, head, later, tell, told_after, unread, unthrottled};
use crate::harness::ChatFixture;
use crate::notifications::rows;

/// Adds notifications to Emma's feed, a second apart.
fn fill(world: &ChatFixture, count: usize) {
    let emma = world.server.user("emma").id;
    let text = format!(
        "INSERT INTO notifications (tenant_id, id, recipient_type, recipient_id, seq, changed_seq, event_id, type, category, title, \
         body, data, priority, channel, visible, decision, last_event_at, created_at, updated_at) \
         SELECT tenant_id, gen_random_uuid(), 'operator', id, 0, 0, gen_random_uuid(), 'task.overdue', 'task', 'n ' || n, '', '{{}}', \
         'normal', 'inapp', true, '{{}}', t.at, t.at, t.at FROM users, generate_series(1, {count}) n, \
         LATERAL (SELECT date_trunc('milliseconds', now()) - n * interval '1 second' AS at) t WHERE id = '{emma}'"
    );
    rows::run(&world.server, &text);
    rows::run(
        &world.server,
        &format!("UPDATE notification_feeds SET unread = unread + {count} WHERE user_id = '{emma}'"),
    );
}

#[tokio::test]
async fn some_are_read_by_their_ids_and_each_is_told() {
    let world = ChatFixture::new();
    let mut ids = Vec::new();
    for title in ["un", "deux", "trois"] {
        ids.push(tell(&world, title).await);
    }
    let before = head(&world);
    let two = json!({"ids": [ids[0], ids[1], ids[0]]});
    for updated in [2, 0] {
        let answer = world.emma.post("/notifications/read", two.clone()).await.data().clone();
        assert_eq!(answer, json!({"updated": updated, "unread": 1}));
    }
    let told = told_after(&world, before);
    let seqs: Vec<&Value> = told["notify:updated"].iter().map(|payload| &payload["unread"]).collect();
    assert_eq!((told.len(), seqs), (1, vec![&json!(1), &json!(1)]));
    assert_eq!((unread(&world, &world.emma).await, rows::number(&world.server, HOLES)), (1, 0));
}

#[tokio::test]
async fn an_id_that_never_was_mine_refuses_all() {
    let world = ChatFixture::new();
    let id = tell(&world, "Relire").await;
    let stranger = Uuid::now_v7();
    let answer = world.emma.post("/notifications/read", json!({"ids": [id, stranger]})).await;
    assert_eq!(answer.fault(), ("ids[1]", "unknown_id"));
    let with = format!("/notifications/{id}/read");
    assert_eq!(world.emma.post(&with, json!({"ids": [stranger]})).await.fault(), ("ids[0]", "unknown_id"));
    assert_eq!(unread(&world, &world.emma).await, 1);
}

#[tokio::test]
async fn one_is_read_and_others_with_it() {
    let world = ChatFixture::new();
    let (one, other) = (tell(&world, "un").await, tell(&world, "deux").await);
    let path = format!("/notifications/{one}/read");
    let answer = world.emma.post(&path, json!({"ids": [other]})).await.data().clone();
    assert_eq!((&answer["id"], &answer["status"]), (&json!(one), &json!("read")));
    assert_eq!(unread(&world, &world.emma).await, 0);
}

#[tokio::test]
async fn all_up_to_a_time_are_read_and_what_came_after_is_not() {
    let world = ChatFixture::new();
    tell(&world, "un").await;
    tell(&world, "deux").await;
    let until = later(&world, 1);
    world.server.clock.advance(std::time::Duration::from_secs(5));
    tell(&world, "trois").await;
    let answer = world.emma.post("/notifications/read", json!({"until": until})).await.data().clone();
    assert_eq!(answer, json!({"updated": 2, "unread": 1}));
    assert_eq!(super::titles(&world.emma, "?status=unread").await, ["trois"]);
}

#[tokio::test]
async fn more_than_fifty_are_told_by_one_summary_and_every_row_has_its_number() {
    let world = unthrottled();
    fill(&world, 51);
    let before = head(&world);
    let until = later(&world, 0);
    let answer = world.emma.post("/notifications/read", json!({"until": until})).await.data().clone();
    assert_eq!(answer, json!({"updated": 51, "unread": 0}));
    let told = told_after(&world, before);
    assert_eq!((told.len(), told["notify:summary"].len()), (1, 1));
    assert_eq!(told["notify:summary"][0]["count"], 51);
    let oldest = "SELECT count(*) FROM notifications n, outbox o WHERE o.event = 'notify:summary' \
        AND (o.payload ->> 'since')::timestamptz = (SELECT min(last_event_at) FROM notifications) AND n.changed_seq = o.seq";
    assert_eq!(rows::number(&world.server, oldest), 51);
    assert_eq!((unread(&world, &world.emma).await, rows::number(&world.server, HOLES)), (0, 0));
}

#[tokio::test]
async fn fifty_are_told_one_by_one() {
    let world = unthrottled();
    fill(&world, 50);
    let before = head(&world);
    let until = later(&world, 0);
    world.emma.post("/notifications/read", json!({"until": until})).await.data();
    let told = told_after(&world, before);
    assert_eq!((told.len(), told["notify:updated"].len()), (1, 50));
    let numbered = "SELECT count(*) FROM notifications n JOIN outbox o ON o.seq = n.changed_seq \
        AND o.payload #>> '{notification,id}' = n.id::text";
    assert_eq!((rows::number(&world.server, numbered), rows::number(&world.server, HOLES)), (50, 0));
}

#[tokio::test]
async fn a_long_absence_is_read_in_stretches_of_a_thousand() {
    let world = unthrottled();
    fill(&world, 2_300);
    let until = later(&world, 0);
    let answer = world.emma.post("/notifications/read", json!({"until": until})).await.data().clone();
    assert_eq!(answer, json!({"updated": 2_300, "unread": 0}));
    let widest = "SELECT max(n) FROM (SELECT count(*) AS n FROM notifications GROUP BY changed_seq) changes";
    let summaries = "SELECT count(*) FROM outbox WHERE event = 'notify:summary'";
    let found = (rows::number(&world.server, widest), rows::number(&world.server, summaries));
    assert_eq!((found, rows::number(&world.server, HOLES)), ((1_000, 3), 0));
}
