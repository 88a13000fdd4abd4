//! Row changes of the table `notifications`, for front ends that subscribe to them (`postgres_changes`).

use std::sync::Arc;

use guichet_base::id::{NotificationId, UserId};
use guichet_base::{Actor, Error, Locale, Result, Role, Timestamp};
use guichet_realtime::{ChangeKind, Column, ColumnType, Event, ReadScope, RowChange, Rows, Table};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Notifications;
use super::live::store;
use crate::notifications::socket_events;

/// The table `notifications`. For every event with subscribers, one query reads the rows again, because an event's
/// payload has fewer columns than the row. A deletion is an UPDATE, since the row stays until retention removes it.
pub static NOTIFICATIONS: Table = Table {
    name: "notifications",
    columns: &COLUMNS,
    key: &["tenant_id", "id"],
    events: &socket_events::EVENTS,
    whose: |event| recipient_of_topic(event).map(ReadScope::Person).into_iter().collect(),
    rows: |_| Ok(Rows::Asked),
};

/// Maximum number of changed rows per event. Above it, subscribers must rejoin and read the rows by REST.
const MAX_CHANGED_ROWS: i64 = 1_000;

const fn column(name: &'static str, kind: ColumnType) -> Column {
    Column { name, kind }
}

static COLUMNS: [Column; 32] = [
    column("tenant_id", ColumnType::Uuid),
    column("id", ColumnType::Uuid),
    column("recipient_type", ColumnType::Text),
    column("recipient_id", ColumnType::Uuid),
    column("team_id", ColumnType::Uuid),
    column("seq", ColumnType::Int8),
    column("changed_seq", ColumnType::Int8),
    column("event_id", ColumnType::Uuid),
    column("type", ColumnType::Text),
    column("category", ColumnType::Enum("notification_category")),
    column("title", ColumnType::Text),
    column("body", ColumnType::Text),
    column("link", ColumnType::Text),
    column("data", ColumnType::Jsonb),
    column("priority", ColumnType::Text),
    column("channel", ColumnType::Text),
    column("status", ColumnType::Text),
    column("visible", ColumnType::Bool),
    column("decision", ColumnType::Jsonb),
    column("group_key", ColumnType::Text),
    column("in_digest", ColumnType::Bool),
    column("digest_id", ColumnType::Uuid),
    column("last_event_at", ColumnType::Timestamptz),
    column("read_at", ColumnType::Timestamptz),
    column("archived_at", ColumnType::Timestamptz),
    column("snoozed_until", ColumnType::Timestamptz),
    column("expires_at", ColumnType::Timestamptz),
    column("deleted_at", ColumnType::Timestamptz),
    column("processed_at", ColumnType::Timestamptz),
    column("push_sent_at", ColumnType::Timestamptz),
    column("created_at", ColumnType::Timestamptz),
    column("updated_at", ColumnType::Timestamptz),
];

/// The person to whose topic an event was published.
fn recipient_of_topic(event: &Event) -> Option<UserId> {
    super::user_of_topic(&event.topic)
}

/// The rows that `event` created or changed, as their owner may read them. A row that has changed again is left
/// out: its later event carries it. A new row is always sent as an INSERT.
pub async fn changed_rows(n: &Notifications, event: &Event) -> Result<Vec<RowChange>> {
    let user =
        recipient_of_topic(event).ok_or_else(|| Error::internal("the event's topic belongs to no person"))?;
    let new_id = new_notification_id(event)?;
    let (tenant, seq) = (event.tenant, event.seq);
    let rows =
        n.db.read(&owner_actor(n, event, user), move |tx| match new_id {
            Some(id) => store::notification_row(tx.conn(), tenant, id),
            None => store::rows_changed_at(tx.conn(), tenant, user, seq, MAX_CHANGED_ROWS + 1),
        })
        .await?;
    if i64::try_from(rows.len()).is_ok_and(|rows| rows > MAX_CHANGED_ROWS) {
        return Err(Error::unavailable("the event changed too many rows to send each of them"));
    }
    Ok(rows.into_iter().map(|row| row_change(seq, row)).collect())
}

/// The notification's id in a `notify:new` event; `None` for other events.
fn new_notification_id(event: &Event) -> Result<Option<NotificationId>> {
    #[derive(Deserialize)]
    struct NewPayload {
        notification: NotificationReference,
    }
    #[derive(Deserialize)]
    struct NotificationReference {
        id: NotificationId,
    }
    if &*event.name != socket_events::NEW {
        return Ok(None);
    }
    let payload: NewPayload = serde_json::from_str(event.payload.get()).map_err(Error::internal)?;
    Ok(Some(payload.notification.id))
}

/// Returns the owner as an actor. Row-level security limits every role to its own rows.
fn owner_actor(n: &Notifications, event: &Event, user: UserId) -> Actor {
    Actor {
        tenant: event.tenant,
        user,
        role: Role::Client,
        scopes: Arc::default(),
        locale: Locale::default(),
        ip: None,
        authenticated_at: Some(n.clock.now()),
    }
}

fn row_change(seq: i64, mut row: Map<String, Value>) -> RowChange {
    let is_new = row.get("seq").and_then(Value::as_i64) == Some(seq);
    let kind = if is_new { ChangeKind::Insert } else { ChangeKind::Update };
    let cell = |column: &Column| {
        let value = row.remove(column.name).unwrap_or_default();
        match (column.kind, value.as_str().and_then(Timestamp::parse)) {
            (ColumnType::Timestamptz, Some(time)) => json!(time),
            _ => value,
        }
    };
    RowChange { kind, row: COLUMNS.iter().map(cell).collect() }
}
