//! Filters and rows of the activity log.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use guichet_base::Timestamp;
use guichet_base::id::UserId;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::ActivityAction;

/// One action, done or attempted.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ActivityRecord {
    pub id: Uuid,
    /// The person who acted.
    pub user_id: Option<UserId>,
    #[schema(example = "forbidden_attempt")]
    pub action: String,
    /// The type of the entity.
    #[schema(example = "conversation")]
    pub entity_type: Option<String>,
    pub entity_id: Option<String>,
    /// More about the action; depends on its kind.
    #[schema(value_type = Object)]
    pub details: Value,
    #[schema(example = "203.0.113.7")]
    pub ip_address: Option<String>,
    pub created_at: Timestamp,
}

/// Filters of a list, which is sorted newest first.
#[derive(Debug, Clone, Default)]
pub struct ActivityFilter {
    pub action: Option<ActivityAction>,
    pub user: Option<UserId>,
    pub entity_type: Option<String>,
    pub entity_id: Option<String>,
    /// At or after.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    pub after: Option<ActivityCursor>,
    pub limit: i64,
}

/// Points at the last record of a page; the next page starts after it. Opaque to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActivityCursor {
    pub created_at: Timestamp,
    pub id: Uuid,
}

impl ActivityCursor {
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 24] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (millis, id) = bytes.split_first_chunk::<8>()?;
        Some(Self {
            created_at: Timestamp::from_millis(i64::from_be_bytes(*millis)),
            id: Uuid::from_slice(id).ok()?,
        })
    }
}

impl fmt::Display for ActivityCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.created_at.as_millis().to_be_bytes()[..], self.id.as_bytes()].concat();
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_nothing_else_is_one() {
        let cursor =
            ActivityCursor { created_at: Timestamp::from_millis(1_700_000_000_123), id: Uuid::now_v7() };
        assert_eq!(ActivityCursor::parse(&cursor.to_string()), Some(cursor));
        for wrong in ["", "x", "AAAA", &"A".repeat(33), "é"] {
            assert_eq!(ActivityCursor::parse(wrong), None, "{wrong}");
        }
    }
}
