//! Bindings, filters and the index of listeners, without a socket.

mod filters;
mod listening;

use serde_json::{Value, json};

use super::{ChangeKind, Column, ColumnType, ReadScope, RowChange, Rows, Table};

pub static THINGS: Table = Table {
    name: "things",
    columns: &[
        Column { name: "id", kind: ColumnType::Uuid },
        Column { name: "n", kind: ColumnType::Int8 },
        Column { name: "t", kind: ColumnType::Text },
        Column { name: "b", kind: ColumnType::Bool },
        Column { name: "at", kind: ColumnType::Timestamptz },
        Column { name: "doc", kind: ColumnType::Jsonb },
    ],
    key: &["id"],
    events: &["thing:new"],
    whose: |event| match event.client {
        Some(client) => vec![ReadScope::AllClients, ReadScope::Client(client)],
        None => Vec::new(),
    },
    rows: |_| Ok(Rows::Told(vec![inserted(1, "one")])),
};

pub static OTHERS: Table = Table { name: "others", events: &["other:new"], ..THINGS_AGAIN };

const THINGS_AGAIN: Table = Table {
    name: "",
    columns: &[Column { name: "id", kind: ColumnType::Uuid }],
    key: &["id"],
    events: &[],
    whose: |_| vec![ReadScope::AllClients],
    rows: |_| Ok(Rows::Told(Vec::new())),
};

pub fn row(n: i64, t: &str) -> Vec<Value> {
    vec![
        json!("0198c0de-0000-7000-8000-000000000001"),
        json!(n),
        json!(t),
        json!(true),
        json!("2026-01-02T10:00:00.123Z"),
        json!({"a": [1, 2]}),
    ]
}

pub fn inserted(n: i64, t: &str) -> RowChange {
    RowChange { kind: ChangeKind::Insert, row: row(n, t) }
}
