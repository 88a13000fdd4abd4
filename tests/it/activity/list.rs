//! `GET /activity-logs`: for owners, filtered by action, person, entity and time, in pages.

use diesel::connection::SimpleConnection;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::chat::room::query_texts;
use crate::harness::ChatFixture;

/// Writes `count` rows a second apart, the newest on the hour, and returns their ids, newest first.
fn write(world: &ChatFixture, by: Uuid, action: &str, entity: (&str, &str), count: usize) -> Vec<Uuid> {
    let tenant = world.server.demo.tenant_id;
    let (kind, thing) = entity;
    let ids: Vec<Uuid> = (0..count).map(|_| Uuid::now_v7()).collect();
    let mut script = String::new();
    for (back, id) in ids.iter().enumerate() {
        script.push_str(&format!(
            "INSERT INTO activity_logs (tenant_id, id, user_id, action, entity_type, entity_id, ip_address, created_at) \
             VALUES ('{tenant}', '{id}', '{by}', '{action}', '{kind}', '{thing}', '203.0.113.7', \
             date_trunc('hour', now()) - interval '{back} seconds');"
        ));
    }
    world.server.database.admin().batch_execute(&script).unwrap();
    ids
}

fn ids(answer: &Value) -> Vec<Uuid> {
    answer["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_str().unwrap().parse().unwrap())
        .collect()
}

#[tokio::test]
async fn nobody_but_an_owner_reads_it_and_who_tries_is_in_it() {
    let world = ChatFixture::new();
    for (who, refused) in [
        (&world.denis, 403),
        (&world.emma, 403),
        (&world.chloe, 403),
        (&world.service, 403),
        (&world.anonymous, 401),
    ] {
        assert_eq!(who.get("/activity-logs").await.error().0, refused);
    }
    let tried = world.awa.get("/activity-logs?action=forbidden_attempt").await;
    let rows = tried.data().as_array().unwrap();
    assert_eq!(rows.len(), 4, "{rows:?}");
    assert_eq!(rows[3]["user_id"], world.server.user("denis").id.to_string());
    assert_eq!(rows[3]["details"]["attempted"], "GET /api/v1/activity-logs");
    assert!(rows.iter().all(|row| row["ip_address"] == "127.0.0.1"), "{rows:?}");
}

#[tokio::test]
async fn every_filter_narrows_and_all_together_too() {
    let world = ChatFixture::new();
    let (emma, chloe) = (world.server.user("emma").id.0, world.server.user("chloe").id.0);
    let sent = write(&world, emma, "message.send", ("message", "m-1"), 3);
    let edited = write(&world, emma, "message.edit", ("message", "m-1"), 2);
    let other = write(&world, chloe, "message.send", ("message", "m-2"), 2);
    let find = async |query: &str| ids(&world.awa.get(&format!("/activity-logs?{query}")).await.body);
    assert_eq!(find("action=message.edit").await, edited);
    assert_eq!(find(&format!("user_id={chloe}&action=message.send")).await, other);
    assert_eq!(find("entity_type=message&entity_id=m-2").await, other);
    assert_eq!(find("entity_type=message").await.len(), 7);
    let at = |id: &Uuid| {
        let sql = format!(
            "SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') AS t FROM activity_logs WHERE id = '{id}'"
        );
        query_texts(&world, &sql).remove(0)
    };
    let (newest, oldest) = (at(&sent[0]), at(&sent[2]));
    let all = format!("action=message.send&user_id={emma}&entity_type=message&entity_id=m-1");
    assert_eq!(find(&format!("{all}&from={oldest}&to={newest}")).await, sent[1..]);
    assert_eq!(find(&format!("{all}&to={oldest}")).await, Vec::<Uuid>::new());
}

#[tokio::test]
async fn pages_follow_one_another_without_a_gap_while_rows_come_in() {
    let world = ChatFixture::new();
    let emma = world.server.user("emma").id.0;
    let mut expected = write(&world, emma, "message.send", ("message", "m-1"), 25);
    // Rows of the same time are ordered by id.
    expected.extend(write(&world, emma, "message.send", ("message", "m-2"), 25));
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = world.awa.get(&format!("/activity-logs?action=message.send&limit=7{cursor}")).await;
        found.extend(ids(&answer.body));
        write(&world, emma, "client.update", ("client", "c"), 1);
        let Some(next) = answer.body["meta"]["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(found.len(), 50);
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn what_is_no_filter_is_told() {
    let world = ChatFixture::new();
    let answer = world.awa.get("/activity-logs?action=cooking&entity_id=x&cursor=abc&limit=0").await;
    assert_eq!(answer.error(), (422, "VALIDATION_ERROR"));
    let mut fields: Vec<&str> = answer.body["error"]["details"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["field"].as_str().unwrap())
        .collect();
    fields.sort_unstable();
    assert_eq!(json!(fields), json!(["action", "cursor", "entity_type", "limit"]));
    assert_eq!(world.awa.get("/activity-logs?since=x").await.error().0, 422);
}
