//! Values of rows and filters, compared by the type of their column.

use std::cmp::Ordering;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::ColumnType;

#[derive(Debug, Clone, PartialEq)]
pub enum TypedValue {
    Uuid(Uuid),
    Text(String),
    Int(i64),
    Bool(bool),
    Time(DateTime<Utc>),
    Json(Value),
}

impl TypedValue {
    /// Parses the value of a filter. `None` if it does not have the type.
    pub fn parse(kind: ColumnType, text: &str) -> Option<Self> {
        match kind {
            ColumnType::Uuid => Uuid::parse_str(text.trim()).ok().map(TypedValue::Uuid),
            ColumnType::Text | ColumnType::Enum(_) => Some(TypedValue::Text(text.to_owned())),
            ColumnType::Int4 | ColumnType::Int8 => text.trim().parse().ok().map(TypedValue::Int),
            ColumnType::Bool => match text.trim() {
                "true" | "t" => Some(TypedValue::Bool(true)),
                "false" | "f" => Some(TypedValue::Bool(false)),
                _ => None,
            },
            ColumnType::Timestamptz => time(text.trim()).map(TypedValue::Time),
            ColumnType::Jsonb => serde_json::from_str(text).ok().map(TypedValue::Json),
        }
    }

    /// Parses the value of a row. `None` for null, and if it does not have the type.
    pub fn of_row(kind: ColumnType, value: &Value) -> Option<Self> {
        match (kind, value) {
            (_, Value::Null) => None,
            (ColumnType::Uuid, Value::String(text)) => Uuid::parse_str(text).ok().map(TypedValue::Uuid),
            (ColumnType::Text | ColumnType::Enum(_), Value::String(text)) => {
                Some(TypedValue::Text(text.clone()))
            }
            (ColumnType::Int4 | ColumnType::Int8, Value::Number(number)) => {
                number.as_i64().map(TypedValue::Int)
            }
            (ColumnType::Bool, Value::Bool(value)) => Some(TypedValue::Bool(*value)),
            (ColumnType::Timestamptz, Value::String(text)) => time(text).map(TypedValue::Time),
            (ColumnType::Jsonb, value) => Some(TypedValue::Json(value.clone())),
            _ => None,
        }
    }

    /// Text by code points, uuids by bytes, as in PostgreSQL. `None` if the two have no order.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (TypedValue::Uuid(one), TypedValue::Uuid(two)) => Some(one.cmp(two)),
            (TypedValue::Text(one), TypedValue::Text(two)) => Some(one.cmp(two)),
            (TypedValue::Int(one), TypedValue::Int(two)) => Some(one.cmp(two)),
            (TypedValue::Bool(one), TypedValue::Bool(two)) => Some(one.cmp(two)),
            (TypedValue::Time(one), TypedValue::Time(two)) => Some(one.cmp(two)),
            (TypedValue::Json(one), TypedValue::Json(two)) => (one == two).then_some(Ordering::Equal),
            _ => None,
        }
    }
}

/// RFC 3339, or a date, which means midnight UTC.
fn time(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(day.and_time(NaiveTime::MIN).and_utc())
}
