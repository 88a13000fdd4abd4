//! The room of Atelier Nord, with helpers for responses and the database.

use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use guichet_db::embedded::LoginRole;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, ApiResponse, ChatFixture};

/// The messages path of Atelier Nord.
pub fn messages(world: &ChatFixture) -> String {
    format!("/clients/{}/messages", world.nord)
}

/// The conversation of a client, as `by` sees it.
pub async fn conversation(by: &Api, client: impl std::fmt::Display) -> Value {
    by.post("/conversations", json!({"client_id": client.to_string()})).await.data().clone()
}

/// The path of the conversation of Atelier Nord.
pub async fn nord(world: &ChatFixture) -> String {
    let id = conversation(&world.awa, world.nord).await["id"].as_str().unwrap().to_owned();
    format!("/conversations/{id}")
}

pub async fn read_all(world: &ChatFixture, by: &Api) -> Value {
    by.post(&format!("{}/read", nord(world).await), json!({})).await.data().clone()
}

pub async fn read_to(world: &ChatFixture, by: &Api, seq: i64) -> Value {
    by.post(&format!("{}/read", nord(world).await), json!({"up_to_seq": seq})).await.data().clone()
}

/// The number of messages that `by` has not read in Atelier Nord.
pub async fn unread(world: &ChatFixture, by: &Api) -> i64 {
    number(&conversation(by, world.nord).await["unread_count"])
}

/// The history of Atelier Nord for `by`.
pub async fn history(world: &ChatFixture, by: &Api) -> Vec<Value> {
    list(by.get(&format!("{}?limit=200", messages(world))).await.data())
}

/// A request with an `Idempotency-Key`.
pub async fn keyed(by: &Api, path: &str, key: &str, body: Value) -> ApiResponse {
    ApiResponse::of(by.request(Method::POST, path).header("Idempotency-Key", key).json(&body)).await
}

/// A request with an `Accept-Language`.
pub async fn post_in(by: &Api, language: &str, path: &str, body: Value) -> ApiResponse {
    ApiResponse::of(by.request(Method::POST, path).header("Accept-Language", language).json(&body)).await
}

#[track_caller]
pub fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("not a number: {value}"))
}

#[track_caller]
pub fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a string: {value}"))
}

#[track_caller]
pub fn list(value: &Value) -> Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("not a list: {value}")).clone()
}

/// One field of every item.
#[track_caller]
pub fn each(items: &[Value], field: &str) -> Vec<Value> {
    items.iter().map(|item| item[field].clone()).collect()
}

/// The numbers of every item.
#[track_caller]
pub fn numbers(items: &[Value], field: &str) -> Vec<i64> {
    items.iter().map(|item| number(&item[field])).collect()
}

/// The wrong fields of a refused body, with their codes.
#[track_caller]
pub fn faults(answer: &ApiResponse) -> Vec<(&str, &str)> {
    assert_eq!(answer.refusal(), (422, "VALIDATION_ERROR"), "{}", answer.body);
    let details = answer.body["error"]["details"].as_array().unwrap();
    details.iter().map(|fault| (word(&fault["field"]), word(&fault["code"]))).collect()
}

#[derive(QueryableByName)]
struct One {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    t: String,
}

fn admin(world: &ChatFixture) -> PgConnection {
    let mut conn = world.server.database.connect(LoginRole::Admin);
    // Functions that run as another owner (search, audience) see one tenant's rows only; triggers read the actor.
    let tenant = world.server.demo.tenant_id;
    let actor = format!(
        "SELECT set_config('app.tenant_id', '{tenant}', false), set_config('app.role', 'owner', false)"
    );
    conn.batch_execute(&actor).unwrap();
    conn
}

/// A column `n` of one row, bypassing all policies.
pub fn count(world: &ChatFixture, sql: &str) -> i64 {
    diesel::sql_query(sql).get_result::<One>(&mut admin(world)).unwrap().n
}

/// A column `n` of one row, as the current role and actor of `conn` see it.
pub fn counted(conn: &mut PgConnection, sql: &str) -> guichet_base::Result<i64> {
    Ok(diesel::sql_query(sql).get_result::<One>(conn)?.n)
}

/// A column `t` of every row, bypassing all policies.
pub fn lines(world: &ChatFixture, sql: &str) -> Vec<String> {
    let rows: Vec<Line> = diesel::sql_query(sql).load(&mut admin(world)).unwrap();
    rows.into_iter().map(|row| row.t).collect()
}

/// Changes rows, bypassing all policies.
pub fn execute(world: &ChatFixture, sql: &str) {
    admin(world).batch_execute(sql).unwrap();
}

/// Numbers of the durable events of Atelier Nord, in the order of the log.
pub fn logged(world: &ChatFixture) -> Vec<i64> {
    let sql =
        format!("SELECT seq::text AS t FROM outbox WHERE topic = 'chat:room:{}' ORDER BY seq", world.nord);
    lines(world, &sql).iter().map(|seq| seq.parse().unwrap()).collect()
}
