//! `postgres_changes`: rows as stored, for people who may read them.

use diesel::prelude::*;
use diesel::sql_types::Text;
use guichet::chat::MESSAGES;
use guichet::notifications::NOTIFICATIONS;
use serde_json::{Value, json};

use crate::harness::{ChatFixture, Socket, room_topic};

const ANY: &str = "realtime:any-name";

/// A socket of `name` with `bindings` on a channel for row changes only.
async fn listening(world: &ChatFixture, name: &str, bindings: Value) -> Socket {
    let mut socket = Socket::open(&world.server, &world.server.user(name).token).await;
    let config = json!({"config": {"postgres_changes": bindings, "private": false}});
    let (status, response) = socket.request(ANY, "phx_join", config).await;
    assert_eq!(status, "ok", "{response}");
    socket
}

async fn change(socket: &mut Socket) -> Value {
    let frame = socket.next_where(|frame| frame.event == "postgres_changes").await;
    assert_eq!(frame.topic, ANY);
    assert_eq!(frame.reference, None);
    frame.payload
}

#[derive(QueryableByName)]
struct ColumnOf {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
}

#[test]
fn the_declared_columns_are_those_of_the_table() {
    let database = crate::harness::TestDatabase::new();
    for table in [&MESSAGES, &NOTIFICATIONS] {
        let columns: Vec<ColumnOf> = diesel::sql_query(
            "SELECT a.attname::text AS name, t.typname::text AS kind FROM pg_attribute a \
             JOIN pg_type t ON t.oid = a.atttypid \
             WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
        )
        .bind::<Text, _>(table.name)
        .load(&mut *database.admin())
        .unwrap();
        let of_table: Vec<_> =
            columns.iter().map(|column| (column.name.as_str(), column.kind.as_str())).collect();
        let declared: Vec<_> = table.columns.iter().map(|column| (column.name, column.kind.name())).collect();
        assert_eq!(declared, of_table, "{}", table.name);
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = diesel::sql_types::Jsonb)]
    row: Value,
}

/// The row as PostgreSQL writes it, with times as the service writes them.
fn row(world: &ChatFixture, id: &Value) -> Value {
    let found: Row = diesel::sql_query("SELECT to_jsonb(m) AS row FROM messages m WHERE id = $1::uuid")
        .bind::<Text, _>(id.as_str().unwrap())
        .get_result(&mut *world.server.database.admin())
        .unwrap();
    let mut row = found.row;
    for (name, value) in row.as_object_mut().unwrap() {
        if name.ends_with("_at")
            && let Some(text) = value.as_str()
        {
            *value = json!(guichet_base::Timestamp::parse(text).unwrap());
        }
    }
    row
}

#[tokio::test]
async fn a_row_is_told_as_the_table_has_it_through_all_its_life() {
    let world = ChatFixture::new();
    let mut emma =
        listening(&world, "emma", json!([{"event": "*", "schema": "public", "table": "messages"}])).await;
    let related = json!({"type": "order", "id": "A-1042", "preview": {"title": "Commande"}});
    let body = json!({"content": "Bonjour", "related": related});
    let said = world.chloe.post(&format!("/clients/{}/messages", world.nord), body).await.data().clone();
    let id = &said["id"];

    let told = change(&mut emma).await;
    assert_eq!(told["ids"], json!([1]));
    let data = &told["data"];
    assert_eq!(data["record"], row(&world, id));
    assert_eq!(
        (&data["type"], &data["schema"], &data["table"], &data["errors"], data.get("old_record")),
        (&json!("INSERT"), &json!("public"), &json!("messages"), &Value::Null, None)
    );
    assert!(data["commit_timestamp"].as_str().is_some_and(|time| time.ends_with('Z')), "{data}");
    assert_eq!(data["columns"].as_array().unwrap().len(), MESSAGES.columns.len());

    let path = format!("/messages/{}", id.as_str().unwrap());
    let read = format!("/conversations/{}/read", said["conversation_id"].as_str().unwrap());
    for step in ["edit", "read", "delete"] {
        match step {
            "edit" => world.chloe.patch(&path, json!({"content": "Bonsoir"})).await.data().clone(),
            "read" => world.emma.post(&read, json!({})).await.data().clone(),
            _ => world.chloe.delete(&path).await.data().clone(),
        };
        let data = change(&mut emma).await["data"].clone();
        assert_eq!((&data["type"], &data["record"]), (&json!("UPDATE"), &row(&world, id)), "{step}");
        assert_eq!(data["old_record"], json!({"tenant_id": data["record"]["tenant_id"], "id": id}), "{step}");
        match step {
            "edit" => assert_eq!(data["record"]["content"], "Bonsoir"),
            "read" => assert!(data["record"]["read_at"].is_string()),
            _ => assert!(data["record"]["content"].is_null() && data["record"]["deleted_at"].is_string()),
        }
    }
}

#[tokio::test]
async fn rows_reach_those_alone_who_may_read_them() {
    let world = ChatFixture::new();
    let all = json!([{"event": "*", "schema": "public", "table": "messages"}]);
    // Of another client, an operator of others, and a member of this one.
    let mut bruno = listening(&world, "bruno", all.clone()).await;
    let mut karim = listening(&world, "karim", all.clone()).await;
    let mut chloe = listening(&world, "chloe", all.clone()).await;
    let mut awa = listening(&world, "awa", all.clone()).await;
    let secret = world.send_message(&world.chloe, "pour le Nord").await;
    let south = world
        .bruno
        .post(&format!("/clients/{}/messages", world.sud), json!({"content": "pour le Sud"}))
        .await;
    let read = format!("/conversations/{}/read", secret["conversation_id"].as_str().unwrap());
    world.emma.post(&read, json!({})).await.data();

    assert_eq!(change(&mut chloe).await["data"]["record"]["content"], "pour le Nord");
    assert!(change(&mut chloe).await["data"]["record"]["read_at"].is_string());
    for content in ["pour le Nord", "pour le Sud"] {
        assert_eq!(change(&mut awa).await["data"]["record"]["content"], content);
    }
    for socket in [&mut bruno, &mut karim] {
        let data = change(socket).await["data"].clone();
        assert_eq!(data["record"]["id"], south.data()["id"]);
    }
    // After the last change that Awa receives, nothing about the north is pending.
    change(&mut awa).await;
    for socket in [&mut bruno, &mut karim] {
        assert!(socket.frames_before_heartbeat().await.iter().all(|frame| frame.event != "postgres_changes"));
    }
}

#[tokio::test]
async fn another_tenant_hears_nothing() {
    let world = ChatFixture::new();
    let mut awa = listening(&world, "awa", json!([{}])).await;
    // The same client id in another tenant: only the tenant separates them.
    let event = guichet_realtime::Event {
        tenant: guichet_base::id::TenantId::new(),
        id: uuid::Uuid::now_v7(),
        topic: format!("chat:room:{}", world.nord).into(),
        seq: 1,
        name: "messaging:new".into(),
        payload: serde_json::value::to_raw_value(&json!({"message": {"content": "d'ailleurs"}})).unwrap(),
        copies: vec![format!("user:{}", world.server.user("awa").id).into()],
        side_events: Vec::new(),
        client: Some(world.nord),
    };
    world.server.app.chat.hub.publish(event);
    world.send_message(&world.chloe, "d'ici").await;
    assert_eq!(change(&mut awa).await["data"]["record"]["content"], "d'ici");
}

#[tokio::test]
async fn filters_are_those_of_the_columns() {
    let world = ChatFixture::new();
    let emma = world.server.user("emma").id;
    let bindings = json!([
        {"event": "INSERT", "schema": "public", "table": "messages", "filter": format!("client_id=eq.{}", world.nord)},
        {"event": "INSERT", "schema": "public", "table": "messages", "filter": format!("client_id=eq.{}", world.sud)},
        {"event": "INSERT", "schema": "public", "table": "messages", "filter": format!("sender_id=eq.{emma},seq=gt.1")},
        {"event": "UPDATE", "schema": "public", "table": "messages", "filter": "edited_at=not.is.null"},
        {"event": "DELETE", "schema": "public", "table": "messages"},
        {"event": "*", "schema": "public", "table": "messages", "filter": "content=imatch.\"^bon(jour|soir)\"", "select": ["id", "content"]},
    ]);
    let mut awa = listening(&world, "awa", bindings).await;
    world.send_message(&world.chloe, "Bonjour").await;
    assert_eq!(change(&mut awa).await["ids"], json!([1]));
    let narrow = change(&mut awa).await;
    assert_eq!(narrow["ids"], json!([6]));
    assert_eq!(narrow["data"]["record"].as_object().unwrap().len(), 2);
    let said = world.send_message(&world.emma, "oui ?").await;
    assert_eq!(change(&mut awa).await["ids"], json!([1, 3]));
    world
        .emma
        .patch(&format!("/messages/{}", said["id"].as_str().unwrap()), json!({"content": "oui"}))
        .await
        .data();
    assert_eq!(change(&mut awa).await["ids"], json!([4]));
}

#[tokio::test]
async fn a_join_with_a_wrong_binding_is_refused_by_its_name() {
    let world = ChatFixture::new();
    let mut awa = Socket::open(&world.server, &world.server.user("awa").token).await;
    for (binding, named) in [
        (json!({"table": "users"}), "`users`"),
        (json!({"schema": "authz"}), "schema"),
        (json!({"table": "messages", "filter": "room_id=eq.1"}), "`room_id`"),
        (json!({"table": "messages", "filter": "seq=gt.un"}), "`un` is no int8"),
    ] {
        for topic in [ANY, &room_topic(world.nord)] {
            let config = json!({"config": {"postgres_changes": [binding]}});
            let (status, response) = awa.request(topic, "phx_join", config).await;
            let reason = response["reason"].as_str().unwrap();
            assert_eq!(status, "error");
            assert!(
                reason.starts_with("INVALID_BINDING: ") && reason.contains("postgres_changes[0]"),
                "{reason}"
            );
            assert!(reason.contains(named), "{reason}");
        }
    }
}

#[tokio::test]
async fn a_room_and_its_rows_are_heard_on_one_channel() {
    let world = ChatFixture::new();
    let topic = room_topic(world.nord);
    let mut chloe = Socket::open(&world.server, &world.server.user("chloe").token).await;
    let config = json!({"config": {"postgres_changes": [{"event": "INSERT", "schema": "public", "table": "messages"}]}});
    let (_, joined) = chloe.request(&topic, "phx_join", config).await;
    assert_eq!((&joined["last_seq"], &joined["postgres_changes"][0]["id"]), (&json!(0), &json!(1)));
    let system = chloe.next_where(|frame| frame.event == "system").await;
    assert_eq!(system.payload["message"], "Subscribed to PostgreSQL");
    world.send_message(&world.emma, "Bonjour").await;
    chloe.next_broadcast(&topic, "messaging:new").await;
    let told = chloe.next_where(|frame| frame.event == "postgres_changes").await;
    assert_eq!((told.topic, &told.payload["data"]["record"]["content"]), (topic, &json!("Bonjour")));
}

#[tokio::test]
async fn what_another_process_committed_is_told_once_by_the_tail() {
    let world = ChatFixture::new();
    let mut emma = listening(&world, "emma", json!([{"event": "INSERT", "table": "messages"}])).await;
    // A separate process on the same database.
    let elsewhere = crate::harness::Process::start(&world.server, "info");
    let chloe = crate::harness::Api::new(&elsewhere.url, Some(&world.server.user("chloe").token));
    world.send_message(&chloe, "d'ailleurs").await;
    world.send_message(&world.chloe, "d'ici").await;
    let mut heard: Vec<Value> = Vec::new();
    for _ in 0..2 {
        heard.push(change(&mut emma).await["data"]["record"]["content"].clone());
    }
    heard.sort_by_key(Value::to_string);
    assert_eq!(heard, [json!("d'ailleurs"), json!("d'ici")]);
    assert!(emma.frames_before_heartbeat().await.iter().all(|frame| frame.event != "postgres_changes"));
}

#[tokio::test]
async fn a_long_reading_tells_each_row_once() {
    let world = ChatFixture::new();
    let mut last = Value::Null;
    for n in 0..70 {
        last = world.send_message(&world.chloe, &format!("n° {n}")).await;
    }
    let mut awa = listening(&world, "awa", json!([{"event": "UPDATE", "table": "messages"}])).await;
    let read = format!("/conversations/{}/read", last["conversation_id"].as_str().unwrap());
    world.emma.post(&read, json!({})).await.data();
    let mut seqs = Vec::new();
    for _ in 0..70 {
        seqs.push(change(&mut awa).await["data"]["record"]["seq"].as_i64().unwrap());
    }
    assert_eq!(seqs, (1..=70).collect::<Vec<_>>());
}

#[tokio::test]
async fn where_nothing_is_on_whose_rows_are_told_nobody_listens() {
    let off = [("FEATURES_OFF", "chat,notifications")];
    let world = ChatFixture::on_server(crate::harness::TestServer::start_with(&off));
    let mut awa = Socket::open(&world.server, &world.server.user("awa").token).await;
    let (status, response) =
        awa.request(ANY, "phx_join", json!({"config": {"postgres_changes": [{"table": "messages"}]}})).await;
    assert_eq!(status, "error");
    assert!(response["reason"].as_str().unwrap().starts_with("FEATURE_DISABLED"), "{response}");
}
