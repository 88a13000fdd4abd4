//! Large audiences: answered at once, written in chunks, each recipient exactly once despite crashes.

use std::time::{Duration, Instant};

use guichet::notifications::events::runner;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::rows::{self, MISCOUNTED, task};
use crate::harness::ChatFixture;

/// Adds people to the tenant, every third of them English.
fn crowd(world: &ChatFixture, count: usize) {
    let text = format!(
        "INSERT INTO users (tenant_id, id, role, display_name, locale) SELECT t.id, gen_random_uuid(), 'client', 'Personne ' || n, \
         CASE WHEN n % 3 = 0 THEN 'en' ELSE 'fr' END FROM tenants t, generate_series(1, {count}) n"
    );
    rows::run(&world.server, &text);
}

fn announcement() -> Value {
    json!({"event": "system.announcement", "payload": {"title": "Bonne année", "body": "À tous"}})
}

/// Helps the server's own task until the event is written.
async fn until_done(world: &ChatFixture, id: &str) -> Value {
    let deadline = Instant::now() + Duration::from_secs(120);
    let running =
        format!("SELECT count(*) FROM notification_events WHERE id = '{id}' AND status = 'running'");
    while rows::number(&world.server, &running) > 0 {
        assert!(Instant::now() < deadline, "the event was not written to its end");
        runner::write_next_chunk(&world.server.app.notifications).await.unwrap();
    }
    world.service.get(&format!("/events/{id}")).await.data().clone()
}

const DOUBLED: &str =
    "SELECT count(*) FROM (SELECT FROM notifications GROUP BY event_id, recipient_id HAVING count(*) > 1) d";

#[tokio::test]
async fn it_is_answered_at_once_and_complete_soon_after() {
    let world = ChatFixture::new();
    crowd(&world, 3_000);
    let answer = world.service.post("/events", announcement()).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!((&answer.data()["status"], &answer.data()["planned"]), (&json!("running"), &json!(3_006)));
    let progress = until_done(&world, answer.data()["id"].as_str().unwrap()).await;
    assert_eq!((&progress["planned"], &progress["written"]), (&json!(3_006), &json!(3_006)));
    assert_eq!(rows::number(&world.server, "SELECT count(DISTINCT recipient_id) FROM notifications"), 3_006);
    assert_eq!(rows::number(&world.server, MISCOUNTED), 0);
    let told = "SELECT count(*) FROM outbox WHERE event = 'notify:new'";
    assert_eq!(rows::number(&world.server, told), 3_006);
}

#[tokio::test]
async fn processes_share_the_work_and_double_nothing() {
    let world = ChatFixture::new();
    crowd(&world, 4_000);
    let others = [world.server.start_second(), world.server.start_second()];
    let mut ids = Vec::new();
    for _ in 0..3 {
        let answer = world.service.post("/events", announcement()).await;
        ids.push(answer.data()["id"].as_str().unwrap().to_owned());
    }
    for id in &ids {
        until_done(&world, id).await;
    }
    assert_eq!(rows::number(&world.server, "SELECT count(*) FROM notifications"), 3 * 4_006);
    assert_eq!(rows::number(&world.server, DOUBLED), 0);
    drop(others);
}

#[tokio::test]
async fn a_death_in_the_middle_loses_none_and_doubles_none() {
    let mut world = ChatFixture::new();
    crowd(&world, 5_000);
    world.service.post("/events", announcement()).await.data();
    // Every backend of the job is terminated repeatedly while it writes.
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
        WHERE datname = current_database() AND usename = 'guichet_app' AND state <> 'idle' AND pid <> pg_backend_pid()";
    let running = "SELECT count(*) FROM notification_events WHERE status = 'running'";
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut killed = 0;
    while killed < 3 {
        assert!(Instant::now() < deadline, "only {killed} backends were met at work");
        assert_eq!(rows::number(&world.server, running), 1, "it was written before it could be killed");
        killed += rows::number(&world.server, kill);
    }
    // Then the process itself stops: another takes over.
    let next = world.server.start_second();
    world.server.stop();
    let deadline = Instant::now() + Duration::from_secs(60);
    while rows::number(&next, running) > 0 {
        assert!(Instant::now() < deadline, "the event was not taken over");
        // The next process does it by itself; calling it here only makes it sooner.
        let _ = runner::write_next_chunk(&next.app.notifications).await;
    }
    assert_eq!(rows::number(&next, "SELECT count(*) FROM notifications"), 5_006);
    assert_eq!(rows::number(&next, DOUBLED), 0);
    assert_eq!(rows::number(&next, MISCOUNTED), 0);
}

#[tokio::test]
async fn what_concerns_one_is_not_held_up_by_what_concerns_all() {
    let world = ChatFixture::new();
    crowd(&world, 12_000);
    let id = world.service.post("/events", announcement()).await.data()["id"].as_str().unwrap().to_owned();
    let urgent = task(world.server.user("emma").id, "Urgent");
    let progress = world.service.post("/events", urgent).await.data().clone();
    assert_eq!(progress["status"], "done");
    let still = world.service.get(&format!("/events/{id}")).await.data()["status"].clone();
    assert_eq!(still, "running", "the announcement was too quick for this test: make its audience larger");
}

#[tokio::test]
async fn each_reads_it_in_their_language() {
    let world = ChatFixture::new();
    crowd(&world, 300);
    let event = json!({"event": "mandat.created", "payload": {"user_id": world.server.user("emma").id, "mandat_id": "1", "title": "X"},
        "recipients": {"roles": ["client"]}});
    let id = world.service.post("/events", event).await.data()["id"].as_str().unwrap().to_owned();
    until_done(&world, &id).await;
    let of = |locale: &str| {
        let text = format!(
            "SELECT DISTINCT n.title AS text FROM notifications n JOIN users u ON u.id = n.recipient_id WHERE u.locale = '{locale}'"
        );
        rows::words(&world.server, &text)
    };
    assert_eq!(
        (of("fr"), of("en")),
        (vec!["Nouveau mandat : X".to_owned()], vec!["New mandate: X".to_owned()])
    );
}

#[tokio::test]
async fn audiences_that_overlap_are_each_told_once_without_the_actor() {
    let world = ChatFixture::new();
    crowd(&world, 1_200);
    let id = |name: &str| world.server.user(name).id;
    let among_the_first =
        "SELECT id::text AS text FROM users WHERE role = 'client' ORDER BY id OFFSET 7 LIMIT 1";
    let actor = rows::words(&world.server, among_the_first).pop().unwrap();
    let audiences = [
        (
            json!({"roles": ["client", "manager"], "users": [id("emma"), id("chloe")]}),
            "role <> 'employee' AND role <> 'owner' OR display_name LIKE 'Emma%'",
        ),
        (json!({"everyone": true, "users": [id("emma")], "roles": ["client"]}), "true"),
    ];
    for (recipients, them) in audiences {
        let mut event = announcement();
        event["recipients"] = recipients;
        event["actor_id"] = json!(actor);
        let answer = world.service.post("/events", event).await;
        let event = answer.data()["id"].as_str().unwrap().to_owned();
        let progress = until_done(&world, &event).await;
        let everybody = rows::number(
            &world.server,
            &format!("SELECT count(*) FROM users WHERE deleted_at IS NULL AND id <> '{actor}' AND ({them})"),
        );
        assert!(everybody > 1_200);
        assert_eq!((&progress["planned"], &progress["written"]), (&json!(everybody), &json!(everybody)));
        let told =
            format!("SELECT count(DISTINCT recipient_id) FROM notifications WHERE event_id = '{event}'");
        assert_eq!(rows::number(&world.server, &told), everybody);
    }
    assert_eq!(rows::number(&world.server, DOUBLED), 0);
}
