//! Messages as rows, for front ends that subscribe to changes of the table (`postgres_changes`).

use std::collections::BTreeSet;

use guichet_base::id::UserId;
use guichet_base::{Error, Result};
use guichet_realtime::{ChangeKind, Column, ColumnType, Event, ReadScope, RowChange, Rows, Table};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::chat::events::{DELETED, NEW, READ, UPDATED};
use crate::chat::model::Message;

/// The table `messages`. A deletion is an UPDATE, since a tombstone stays. Delivered marks are not durable events;
/// they show with the next change of the row.
pub static MESSAGES: Table = Table {
    name: "messages",
    columns: &COLUMNS,
    key: &["tenant_id", "id"],
    events: &[NEW, UPDATED, DELETED, READ],
    whose: read_scopes,
    rows,
};

const fn column(name: &'static str, kind: ColumnType) -> Column {
    Column { name, kind }
}

static COLUMNS: [Column; 21] = [
    column("tenant_id", ColumnType::Uuid),
    column("id", ColumnType::Uuid),
    column("conversation_id", ColumnType::Uuid),
    column("client_id", ColumnType::Uuid),
    column("operator_id", ColumnType::Uuid),
    column("seq", ColumnType::Int8),
    column("changed_seq", ColumnType::Int8),
    column("sender_id", ColumnType::Uuid),
    column("sender_type", ColumnType::Text),
    column("content", ColumnType::Text),
    column("related_entity_type", ColumnType::Text),
    column("related_entity_id", ColumnType::Text),
    column("related_preview", ColumnType::Jsonb),
    column("client_message_id", ColumnType::Uuid),
    column("delivered_at", ColumnType::Timestamptz),
    column("read_at", ColumnType::Timestamptz),
    column("edited_at", ColumnType::Timestamptz),
    column("deleted_at", ColumnType::Timestamptz),
    column("created_at", ColumnType::Timestamptz),
    column("user_one_id", ColumnType::Uuid),
    column("user_two_id", ColumnType::Uuid),
];

/// The read scopes of an event: a room's messages are readable for everyone who sees the client, direct messages for
/// their two people.
fn read_scopes(event: &Event) -> Vec<ReadScope> {
    match event.client {
        Some(client) => vec![ReadScope::AllClients, ReadScope::Client(client)],
        None => copied_users(event).map(ReadScope::Person).collect(),
    }
}

/// Recipients of copies of an event; for a direct conversation, its two people.
fn copied_users(event: &Event) -> impl Iterator<Item = UserId> {
    event.copies.iter().filter_map(|topic| topic.strip_prefix("user:")?.parse().ok())
}

/// The columns `user_one_id` and `user_two_id`; null in a client's room.
fn direct_pair(event: &Event) -> [Value; 2] {
    let people: BTreeSet<Uuid> = copied_users(event).map(|user| user.0).collect();
    match (event.client, people.first(), people.last()) {
        (None, Some(one), Some(two)) => [json!(one), json!(two)],
        _ => [Value::Null, Value::Null],
    }
}

fn rows(event: &Event) -> Result<Rows> {
    #[derive(Deserialize)]
    struct Payload {
        message: Map<String, Value>,
    }
    let kind = match &*event.name {
        READ => return Ok(Rows::Asked),
        NEW => ChangeKind::Insert,
        _ => ChangeKind::Update,
    };
    let payload: Payload = serde_json::from_str(event.payload.get()).map_err(Error::internal)?;
    Ok(Rows::Told(vec![RowChange { kind, row: message_row(event, payload.message) }]))
}

/// The UPDATE that `event` announces, with `message` as the new row.
pub(super) fn message_update(event: &Event, message: &Message) -> Result<RowChange> {
    match serde_json::to_value(message).map_err(Error::internal)? {
        Value::Object(message) => {
            Ok(RowChange { kind: ChangeKind::Update, row: message_row(event, message) })
        }
        other => Err(Error::internal(format!("a message that is no object: {other}"))),
    }
}

/// A message in the column order of the table; `related` has columns of its own.
fn message_row(event: &Event, mut message: Map<String, Value>) -> Vec<Value> {
    let [one, two] = direct_pair(event);
    let related = message.remove("related").unwrap_or_default();
    let related = |key: &str| related.get(key).cloned().unwrap_or_default();
    COLUMNS
        .iter()
        .map(|column| match column.name {
            "tenant_id" => json!(event.tenant),
            "user_one_id" => one.clone(),
            "user_two_id" => two.clone(),
            "related_entity_type" => related("type"),
            "related_entity_id" => related("id"),
            "related_preview" => related("preview"),
            name => message.remove(name).unwrap_or_default(),
        })
        .collect()
}
