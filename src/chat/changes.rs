//! Messages as rows, for front ends that listen to changes of the table (`postgres_changes`).

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::base::id::TenantId;
use crate::base::{Error, Result};
use crate::chat::events::{DELETED, NEW, READ, UPDATED};
use crate::chat::model::Message;
use crate::realtime::{Change, ChangeKind, Column, ColumnType, Event, Reach, Rows, Table};

/// The table `messages`. A deletion is an UPDATE, since a tombstone stays; delivered marks, which are no durable
/// events, show with the row's next change.
pub static MESSAGES: Table = Table {
    name: "messages",
    columns: &COLUMNS,
    key: &["tenant_id", "id"],
    events: &[NEW, UPDATED, DELETED, READ],
    whose,
    rows,
};

const fn column(name: &'static str, kind: ColumnType) -> Column {
    Column { name, kind }
}

static COLUMNS: [Column; 19] = [
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
];

/// A room's messages are read by whoever sees the client; those of two people, by them alone.
fn whose(event: &Event) -> Vec<Reach> {
    match event.client {
        Some(client) => vec![Reach::AllClients, Reach::Client(client)],
        None => event
            .copies
            .iter()
            .filter_map(|topic| topic.strip_prefix("user:")?.parse().ok().map(Reach::Person))
            .collect(),
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
    Ok(Rows::Told(vec![Change { kind, row: row(event.tenant, payload.message) }]))
}

/// The change by which `message` came to be as it is.
pub(super) fn updated(tenant: TenantId, message: &Message) -> Result<Change> {
    match serde_json::to_value(message).map_err(Error::internal)? {
        Value::Object(message) => Ok(Change { kind: ChangeKind::Update, row: row(tenant, message) }),
        other => Err(Error::internal(format!("a message that is no object: {other}"))),
    }
}

/// A message as the table has it: what it is about stands in columns of its own.
fn row(tenant: TenantId, mut message: Map<String, Value>) -> Vec<Value> {
    let related = message.remove("related").unwrap_or_default();
    let related = |key: &str| related.get(key).cloned().unwrap_or_default();
    COLUMNS
        .iter()
        .map(|column| match column.name {
            "tenant_id" => json!(tenant),
            "related_entity_type" => related("type"),
            "related_entity_id" => related("id"),
            "related_preview" => related("preview"),
            name => message.remove(name).unwrap_or_default(),
        })
        .collect()
}
