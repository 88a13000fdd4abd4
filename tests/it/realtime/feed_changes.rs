//! `postgres_changes` of notifications: a person's own rows, as stored.

use diesel::prelude::*;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use guichet::notifications::NOTIFICATIONS;
use guichet_base::Timestamp;
use guichet_base::id::UserId;
use serde_json::{Value, json};

use crate::harness::{Api, ChatFixture, Socket};

const ANY: &str = "realtime:any-name";

/// A socket of `name` on a channel for row changes only.
async fn listening(world: &ChatFixture, name: &str, bindings: Value) -> Socket {
    let mut socket = Socket::open(&world.server, &world.server.user(name).token).await;
    let config = json!({"config": {"postgres_changes": bindings}});
    let (status, response) = socket.request(ANY, "phx_join", config).await;
    assert_eq!(status, "ok", "{response}");
    socket
}

async fn change(socket: &mut Socket) -> Value {
    socket.next_where(|frame| frame.event == "postgres_changes").await.payload["data"].clone()
}

fn all() -> Value {
    json!([{"event": "*", "schema": "public", "table": "notifications"}])
}

fn id(world: &ChatFixture, name: &str) -> UserId {
    world.server.user(name).id
}

async fn announce(world: &ChatFixture, event: Value) {
    let answer = world.service.post("/events", event).await;
    assert!(answer.status.is_success(), "{}", answer.body);
}

fn task(user: UserId, title: &str) -> Value {
    json!({"event": "task.overdue", "payload": {"user_id": user, "task_id": "1", "title": title, "due_at": "2026-11-20"}})
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = diesel::sql_types::Jsonb)]
    row: Value,
}

/// The row as PostgreSQL writes it, with times as the service writes them.
fn row(world: &ChatFixture, id: &Value) -> Value {
    let found: Row = diesel::sql_query("SELECT to_jsonb(n) AS row FROM notifications n WHERE id = $1::uuid")
        .bind::<Text, _>(id.as_str().unwrap())
        .get_result(&mut *world.server.database.admin())
        .unwrap();
    let mut row = found.row;
    for column in NOTIFICATIONS.columns.iter().filter(|column| column.kind.name() == "timestamptz") {
        if let Some(time) = row[column.name].as_str().and_then(Timestamp::parse) {
            row[column.name] = json!(time);
        }
    }
    row
}

#[tokio::test]
async fn a_row_is_told_as_the_table_has_it_when_it_comes_and_when_it_is_raised() {
    let world = ChatFixture::new();
    let mut emma = listening(&world, "emma", all()).await;
    announce(&world, task(id(&world, "emma"), "Relire")).await;
    let data = change(&mut emma).await;
    assert_eq!((&data["type"], &data["table"]), (&json!("INSERT"), &json!("notifications")));
    assert_eq!(data["record"], row(&world, &data["record"]["id"]));
    assert_eq!(data["record"]["recipient_id"], json!(id(&world, "emma")));
    assert_eq!(data["columns"].as_array().unwrap().len(), NOTIFICATIONS.columns.len());

    world.send_message(&world.chloe, "Bonjour").await;
    let first = change(&mut emma).await;
    assert_eq!((&first["type"], &first["record"]["type"]), (&json!("INSERT"), &json!("message.new")));
    world.send_message(&world.chloe, "Vous êtes là ?").await;
    let raised = change(&mut emma).await;
    assert_eq!(raised["type"], "UPDATE");
    assert_eq!(raised["record"], row(&world, &first["record"]["id"]));
    assert_eq!(raised["record"]["data"]["count"], 2);
    let key = json!({"tenant_id": first["record"]["tenant_id"], "id": first["record"]["id"]});
    assert_eq!(raised["old_record"], key);
}

#[tokio::test]
async fn nobody_hears_the_rows_of_another_whatever_their_rank() {
    let world = ChatFixture::new();
    let names = ["awa", "denis", "karim", "bruno", "chloe"];
    let mut others = Vec::new();
    for name in names {
        others.push(listening(&world, name, all()).await);
    }
    announce(&world, task(id(&world, "emma"), "pour Emma seule")).await;
    for (name, socket) in names.iter().zip(&mut others) {
        announce(&world, task(id(&world, name), name)).await;
        let data = change(socket).await;
        assert_eq!(data["record"]["recipient_id"], json!(id(&world, name)));
        assert!(
            socket.frames_before_heartbeat().await.iter().all(|frame| frame.event != "postgres_changes"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_row_that_is_there_for_its_mail_alone_is_never_told() {
    let world = ChatFixture::new();
    let off = "INSERT INTO notification_preferences (tenant_id, user_id, category, channel_inapp) \
        SELECT tenant_id, id, 'payment', false FROM users WHERE id = $1";
    diesel::sql_query(off)
        .bind::<SqlUuid, _>(id(&world, "emma").0)
        .execute(&mut *world.server.database.admin())
        .unwrap();
    let mut emma = listening(&world, "emma", all()).await;
    let failed = json!({"event": "payment.failed", "payload": {"client_id": world.nord},
        "recipients": {"users": [id(&world, "emma")]}});
    announce(&world, failed).await;
    announce(&world, task(id(&world, "emma"), "Relire")).await;
    assert_eq!(change(&mut emma).await["record"]["type"], "task.overdue");
    assert!(emma.frames_before_heartbeat().await.iter().all(|frame| frame.event != "postgres_changes"));
}

#[tokio::test]
async fn what_the_throttle_holds_back_is_a_new_row_all_the_same() {
    let world = ChatFixture::new();
    let mut emma =
        listening(&world, "emma", json!([{"event": "INSERT", "schema": "public", "table": "notifications"}]))
            .await;
    for number in 0..23 {
        announce(&world, task(id(&world, "emma"), &format!("n° {number}"))).await;
    }
    let mut titles = Vec::new();
    for _ in 0..23 {
        titles.push(change(&mut emma).await["record"]["seq"].as_i64().unwrap());
    }
    assert_eq!(titles, (1..=23).collect::<Vec<_>>());
}

#[tokio::test]
async fn filters_know_the_person_the_category_and_the_kind() {
    let world = ChatFixture::new();
    let emma = id(&world, "emma");
    let binding = |filter: String| json!({"event": "INSERT", "schema": "public", "table": "notifications", "filter": filter});
    let bindings = json!([
        binding(format!("recipient_id=eq.{emma}")),
        binding(format!("recipient_id=eq.{}", id(&world, "awa"))),
        binding("category=in.(mandat,task)".to_owned()),
        binding("type=like.task.%,priority=neq.low".to_owned()),
        binding("category=eq.mandat".to_owned()),
    ]);
    let mut socket = listening(&world, "emma", bindings).await;
    announce(&world, task(emma, "Relire")).await;
    let told = socket.next_where(|frame| frame.event == "postgres_changes").await;
    assert_eq!(told.payload["ids"], json!([1, 3, 4]));
    let wrong = json!({"config": {"postgres_changes": [binding("category=like.task%".to_owned())]}});
    assert_eq!(socket.request("realtime:another", "phx_join", wrong).await.0, "error");
}

#[tokio::test]
async fn rows_are_told_where_chat_is_off_and_by_another_process() {
    let world = ChatFixture::on_server(crate::harness::TestServer::start_with(&[("FEATURES_OFF", "chat")]));
    let mut emma = listening(&world, "emma", all()).await;
    let elsewhere = crate::harness::Process::start(&world.server, "info");
    let service = Api::new(&elsewhere.url, Some(&world.server.demo.service_token));
    let answer = service.post("/events", task(id(&world, "emma"), "d'ailleurs")).await;
    assert!(answer.status.is_success(), "{}", answer.body);
    announce(&world, task(id(&world, "emma"), "d'ici")).await;
    let mut titles = Vec::new();
    for _ in 0..2 {
        let data = change(&mut emma).await;
        titles.push((data["type"].clone(), data["record"]["seq"].clone()));
    }
    titles.sort_by_key(|told| told.1.to_string());
    assert_eq!(titles, [(json!("INSERT"), json!(1)), (json!("INSERT"), json!(2))]);
    assert!(emma.frames_before_heartbeat().await.iter().all(|frame| frame.event != "postgres_changes"));
}
