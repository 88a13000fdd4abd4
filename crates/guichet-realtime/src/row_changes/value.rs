//! Values of rows and of filters, compared by the type of their column.

use std::cmp::Ordering;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::ColumnType;

#[derive(Debug, Clone, PartialEq)]
pub enum Typed {
    Uuid(Uuid),
    Text(String),
    Int(i64),
    Bool(bool),
    Time(DateTime<Utc>),
    Json(Value),
}

impl Typed {
    /// As a filter writes it. `None` where it is no value of that type.
    pub fn parse(kind: ColumnType, text: &str) -> Option<Self> {
        match kind {
            ColumnType::Uuid => Uuid::parse_str(text.trim()).ok().map(Typed::Uuid),
            ColumnType::Text | ColumnType::Enum(_) => Some(Typed::Text(text.to_owned())),
            ColumnType::Int4 | ColumnType::Int8 => text.trim().parse().ok().map(Typed::Int),
            ColumnType::Bool => match text.trim() {
                "true" | "t" => Some(Typed::Bool(true)),
                "false" | "f" => Some(Typed::Bool(false)),
                _ => None,
            },
            ColumnType::Timestamptz => time(text.trim()).map(Typed::Time),
            ColumnType::Jsonb => serde_json::from_str(text).ok().map(Typed::Json),
        }
    }

    /// As a row has it. `None` for null, and for what is no value of that type.
    pub fn of_row(kind: ColumnType, value: &Value) -> Option<Self> {
        match (kind, value) {
            (_, Value::Null) => None,
            (ColumnType::Uuid, Value::String(text)) => Uuid::parse_str(text).ok().map(Typed::Uuid),
            (ColumnType::Text | ColumnType::Enum(_), Value::String(text)) => Some(Typed::Text(text.clone())),
            (ColumnType::Int4 | ColumnType::Int8, Value::Number(number)) => number.as_i64().map(Typed::Int),
            (ColumnType::Bool, Value::Bool(value)) => Some(Typed::Bool(*value)),
            (ColumnType::Timestamptz, Value::String(text)) => time(text).map(Typed::Time),
            (ColumnType::Jsonb, value) => Some(Typed::Json(value.clone())),
            _ => None,
        }
    }

    /// Text by code points; uuids by their bytes, as PostgreSQL does. `None` for two that have no order.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Typed::Uuid(one), Typed::Uuid(two)) => Some(one.cmp(two)),
            (Typed::Text(one), Typed::Text(two)) => Some(one.cmp(two)),
            (Typed::Int(one), Typed::Int(two)) => Some(one.cmp(two)),
            (Typed::Bool(one), Typed::Bool(two)) => Some(one.cmp(two)),
            (Typed::Time(one), Typed::Time(two)) => Some(one.cmp(two)),
            (Typed::Json(one), Typed::Json(two)) => (one == two).then_some(Ordering::Equal),
            _ => None,
        }
    }
}

/// RFC 3339, or a day, which begins at midnight UTC.
fn time(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(day.and_time(NaiveTime::MIN).and_utc())
}
