//! Helpers: the room of Atelier Nord, values of responses, and queries of the database.

use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use guichet_db::embedded::LoginRole;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, ApiResponse, ChatFixture};

/// The path of the messages of Atelier Nord's room, by client id.
pub fn messages_path(world: &ChatFixture) -> String {
    format!("/clients/{}/messages", world.nord)
}

/// Opens the room of a client as `by`, and returns it.
pub async fn open_room(by: &Api, client: impl std::fmt::Display) -> Value {
    by.post("/conversations", json!({"client_id": client.to_string()})).await.data().clone()
}

/// The path of Atelier Nord's room, by conversation id.
pub async fn nord_path(world: &ChatFixture) -> String {
    let id = open_room(&world.awa, world.nord).await["id"].as_str().unwrap().to_owned();
    format!("/conversations/{id}")
}

pub async fn read_all(world: &ChatFixture, by: &Api) -> Value {
    by.post(&format!("{}/read", nord_path(world).await), json!({})).await.data().clone()
}

pub async fn read_to(world: &ChatFixture, by: &Api, seq: i64) -> Value {
    by.post(&format!("{}/read", nord_path(world).await), json!({"up_to_seq": seq})).await.data().clone()
}

/// The number of messages that `by` has not read in Atelier Nord.
pub async fn unread_count(world: &ChatFixture, by: &Api) -> i64 {
    expect_number(&open_room(by, world.nord).await["unread_count"])
}

/// The history of Atelier Nord for `by`.
pub async fn history(world: &ChatFixture, by: &Api) -> Vec<Value> {
    expect_array(by.get(&format!("{}?limit=200", messages_path(world))).await.data())
}

/// Posts with an `Idempotency-Key`.
pub async fn post_with_key(by: &Api, path: &str, key: &str, body: Value) -> ApiResponse {
    ApiResponse::receive(by.request(Method::POST, path).header("Idempotency-Key", key).json(&body)).await
}

/// Posts with an `Accept-Language`.
pub async fn post_in_language(by: &Api, language: &str, path: &str, body: Value) -> ApiResponse {
    ApiResponse::receive(by.request(Method::POST, path).header("Accept-Language", language).json(&body)).await
}

#[track_caller]
pub fn expect_number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("not a number: {value}"))
}

#[track_caller]
pub fn expect_str(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a string: {value}"))
}

#[track_caller]
pub fn expect_array(value: &Value) -> Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("not a list: {value}")).clone()
}

/// The values of one field of all items.
#[track_caller]
pub fn field_values(items: &[Value], field: &str) -> Vec<Value> {
    items.iter().map(|item| item[field].clone()).collect()
}

/// The values of one numeric field of all items.
#[track_caller]
pub fn field_numbers(items: &[Value], field: &str) -> Vec<i64> {
    items.iter().map(|item| expect_number(&item[field])).collect()
}

/// Fields and codes of the faults. Panics unless the response is a `VALIDATION_ERROR`.
#[track_caller]
pub fn faults(answer: &ApiResponse) -> Vec<(&str, &str)> {
    assert_eq!(answer.error(), (422, "VALIDATION_ERROR"), "{}", answer.body);
    let details = answer.body["error"]["details"].as_array().unwrap();
    details.iter().map(|fault| (expect_str(&fault["field"]), expect_str(&fault["code"]))).collect()
}

#[derive(QueryableByName)]
struct NumberRow {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[derive(QueryableByName)]
struct TextRow {
    #[diesel(sql_type = Text)]
    t: String,
}

fn admin_connection(world: &ChatFixture) -> PgConnection {
    let mut conn = world.server.database.connect(LoginRole::Admin);
    // `SECURITY DEFINER` functions (search, audience) see only the rows of `app.tenant_id`; triggers read `app.role`.
    let tenant = world.server.demo.tenant_id;
    let actor = format!(
        "SELECT set_config('app.tenant_id', '{tenant}', false), set_config('app.role', 'owner', false)"
    );
    conn.batch_execute(&actor).unwrap();
    conn
}

/// Queries the column `n` of one row, bypassing row-level security.
pub fn query_number(world: &ChatFixture, sql: &str) -> i64 {
    diesel::sql_query(sql).get_result::<NumberRow>(&mut admin_connection(world)).unwrap().n
}

/// Queries the column `n` of one row with the role and actor of `conn`.
pub fn query_number_on(conn: &mut PgConnection, sql: &str) -> guichet_base::Result<i64> {
    Ok(diesel::sql_query(sql).get_result::<NumberRow>(conn)?.n)
}

/// Queries the column `t` of all rows, bypassing row-level security.
pub fn query_texts(world: &ChatFixture, sql: &str) -> Vec<String> {
    let rows: Vec<TextRow> = diesel::sql_query(sql).load(&mut admin_connection(world)).unwrap();
    rows.into_iter().map(|row| row.t).collect()
}

/// Executes statements, bypassing row-level security.
pub fn execute(world: &ChatFixture, sql: &str) {
    admin_connection(world).batch_execute(sql).unwrap();
}

/// The `seq` of all durable events of Atelier Nord's room, in ascending order.
pub fn outbox_seqs(world: &ChatFixture) -> Vec<i64> {
    let sql =
        format!("SELECT seq::text AS t FROM outbox WHERE topic = 'chat:room:{}' ORDER BY seq", world.nord);
    query_texts(world, &sql).iter().map(|seq| seq.parse().unwrap()).collect()
}
