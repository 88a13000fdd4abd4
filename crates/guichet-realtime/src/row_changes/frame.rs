//! The payload of a row change: `{ids, data: {schema, table, commit_timestamp, type, columns, record, errors}}`.
//!
//! Concatenated from text, so that the part without `ids` is built once for all subscribers.

use chrono::DateTime;
use guichet_base::Timestamp;
use serde_json::Value;

use super::{ChangeKind, Column, RowChange, Table};
use crate::hub::event::Event;

/// The payload for the bindings `ids`.
pub fn payload(ids: &[i32], data: &str) -> String {
    let ids: Vec<String> = ids.iter().map(i32::to_string).collect();
    format!(r#"{{"ids":[{}],"data":{data}}}"#, ids.join(","))
}

/// The `data` of a change, with the columns `select`, or all.
pub fn data(table: &Table, event: &Event, change: &RowChange, select: Option<&[usize]>) -> String {
    let is_shown = |at: usize| select.is_none_or(|select| select.contains(&at));
    let shown = || table.columns.iter().zip(&change.row).enumerate().filter(|(at, _)| is_shown(*at));
    let columns: Vec<String> = shown()
        .map(|(_, (column, _))| format!(r#"{{"name":"{}","type":"{}"}}"#, column.name, column.kind.name()))
        .collect();
    let mut out = format!(
        r#"{{"schema":"public","table":"{}","commit_timestamp":"{}","type":"{}","columns":[{}]"#,
        table.name,
        committed_at(event),
        change.kind.name(),
        columns.join(","),
    );
    if change.kind != ChangeKind::Delete {
        out.push_str(r#","record":"#);
        object(&mut out, shown().map(|(_, cell)| cell));
    }
    if change.kind != ChangeKind::Insert {
        // Only the key, as in Supabase with the default replica identity.
        let cells = table.columns.iter().zip(&change.row);
        out.push_str(r#","old_record":"#);
        object(&mut out, cells.filter(|(column, _)| table.key.contains(&column.name)));
    }
    out.push_str(r#","errors":null}"#);
    out
}

fn object<'c>(out: &mut String, cells: impl Iterator<Item = (&'c Column, &'c Value)>) {
    let cells: Vec<String> = cells.map(|(column, value)| format!(r#""{}":{value}"#, column.name)).collect();
    out.push('{');
    out.push_str(&cells.join(","));
    out.push('}');
}

/// The time in the event's id, which is created within its transaction: the same in every process.
fn committed_at(event: &Event) -> Timestamp {
    let made = event.id.get_timestamp().map(|time| time.to_unix()).unwrap_or_default();
    let time = i64::try_from(made.0).ok().and_then(|secs| DateTime::from_timestamp(secs, made.1));
    Timestamp::from_datetime(time.unwrap_or_default())
}
