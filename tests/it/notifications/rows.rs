//! What stands in the tables, as the administrator sees it.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Jsonb, Nullable, Text, Uuid as SqlUuid};
use guichet::base::id::UserId;
use guichet::db::embedded::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{TestServer, World};

#[derive(Debug, Clone, QueryableByName)]
pub struct Row {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
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
    #[diesel(sql_type = Bool)]
    pub visible: bool,
    #[diesel(sql_type = BigInt)]
    pub seq: i64,
}

/// All notifications, in the order in which they were made.
pub fn all(server: &TestServer) -> Vec<Row> {
    let text = "SELECT id, recipient_id, type AS kind, category::text AS category, priority, title, body, link, data, visible, seq \
        FROM notifications ORDER BY created_at, id";
    sql_query(text).load(&mut server.database.connect(Role::Admin)).unwrap()
}

pub fn of(world: &World, name: &str) -> Vec<Row> {
    let id = world.server.user(name).id.0;
    all(&world.server).into_iter().filter(|row| row.recipient_id == id).collect()
}

/// The names of those who have a notification, sorted.
pub fn told(world: &World) -> Vec<String> {
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
    sql_query(text).get_result::<Number>(&mut server.database.connect(Role::Admin)).unwrap().number
}

/// A column `text` of all rows.
pub fn words(server: &TestServer, text: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Word {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let found: Vec<Word> = sql_query(text).load(&mut server.database.connect(Role::Admin)).unwrap();
    found.into_iter().map(|word| word.text).collect()
}

pub fn run(server: &TestServer, text: &str) {
    sql_query(text).execute(&mut server.database.connect(Role::Admin)).unwrap();
}

/// Whose counter is not the number of their unread notifications.
pub const MISCOUNTED: &str = "SELECT count(*) FROM notification_feeds f WHERE f.unread <> (SELECT count(*) FROM notifications n \
    WHERE n.tenant_id = f.tenant_id AND n.recipient_id = f.user_id AND n.visible AND n.status = 'unread' \
      AND n.deleted_at IS NULL AND n.snoozed_until IS NULL)";

/// A task overdue, to one person.
pub fn task(user: UserId, title: &str) -> Value {
    json!({"event": "task.overdue", "payload": {"user_id": user, "task_id": "1", "title": title, "due_at": "2026-11-20"}})
}
