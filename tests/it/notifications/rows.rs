//! Rows of the tables, as the administrator sees them.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Uuid as SqlUuid};
use guichet_base::id::UserId;
use guichet_db::embedded::LoginRole;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{ChatFixture, TestServer};

#[derive(Debug, Clone, QueryableByName)]
pub struct Row {
    #[diesel(sql_type = SqlUuid)]
    pub recipient_id: Uuid,
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = Text)]
    pub category: String,
    #[diesel(sql_type = Text)]
    pub priority: String,
    #[diesel(sql_type = Text)]
    pub title: String,
    #[diesel(sql_type = Text)]
    pub body: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub link: Option<String>,
    #[diesel(sql_type = Jsonb)]
    pub data: Value,
}

/// All notifications, in order of creation.
pub fn all(server: &TestServer) -> Vec<Row> {
    let text = "SELECT recipient_id, type AS kind, category::text AS category, priority, title, body, link, data \
        FROM notifications ORDER BY created_at, id";
    sql_query(text).load(&mut *server.database.admin()).unwrap()
}

pub fn of(world: &ChatFixture, name: &str) -> Vec<Row> {
    let id = world.server.user(name).id.0;
    all(&world.server).into_iter().filter(|row| row.recipient_id == id).collect()
}

/// The names of people with a notification, sorted.
pub fn told(world: &ChatFixture) -> Vec<String> {
    let name = |id: Uuid| {
        let found = world.server.demo.users.iter().find(|(_, user)| user.id.0 == id);
        found.map_or_else(|| id.to_string(), |(name, _)| (*name).to_string())
    };
    let mut names: Vec<String> = all(&world.server).iter().map(|row| name(row.recipient_id)).collect();
    names.sort();
    names
}

pub fn number(server: &TestServer, text: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = BigInt)]
        number: i64,
    }
    let text = format!("SELECT ({text})::bigint AS number");
    sql_query(text).get_result::<Number>(&mut *server.database.admin()).unwrap().number
}

/// A column `text` of all rows.
pub fn words(server: &TestServer, text: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Word {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let found: Vec<Word> = sql_query(text).load(&mut *server.database.admin()).unwrap();
    found.into_iter().map(|word| word.text).collect()
}

/// In the demo tenant, which triggers need.
pub fn run(server: &TestServer, text: &str) {
    let mut admin = server.database.connect(LoginRole::Admin);
    sql_query("SELECT set_config('app.tenant_id', id::text, false) FROM tenants")
        .execute(&mut admin)
        .unwrap();
    sql_query(text).execute(&mut admin).unwrap();
}

/// People whose counter differs from the number of their unread notifications.
pub const MISCOUNTED: &str = "SELECT count(*) FROM notification_feeds f LEFT JOIN ( \
        SELECT tenant_id, recipient_id, count(*) AS unread FROM notifications \
         WHERE visible AND status = 'unread' AND deleted_at IS NULL AND snoozed_until IS NULL GROUP BY 1, 2) n \
    ON n.tenant_id = f.tenant_id AND n.recipient_id = f.user_id WHERE f.unread <> coalesce(n.unread, 0)";

/// A task-overdue event for one person.
pub fn task(user: UserId, title: &str) -> Value {
    json!({"event": "task.overdue", "payload": {"user_id": user, "task_id": "1", "title": title, "due_at": "2026-11-20"}})
}
