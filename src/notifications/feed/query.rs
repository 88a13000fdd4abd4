//! Parameters of feed pages, and their cursors.

use std::fmt;
use strum::EnumString;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use guichet_base::Timestamp;
use guichet_base::id::TeamId;
use uuid::Uuid;

use crate::notifications::model::Status;
use crate::preferences::{Category, Channel, Priority};

/// The order of a feed page. Ties are ordered by the last event of each notification, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, EnumString)]
#[strum(serialize_all = "lowercase")]
pub enum FeedSort {
    /// Unread notifications first.
    #[default]
    Unread,
    Recent,
    /// By priority, critical first; over the newest 10,000.
    Priority,
}

impl FeedSort {
    const fn as_byte(self) -> u8 {
        match self {
            FeedSort::Unread => b'u',
            FeedSort::Recent => b'r',
            FeedSort::Priority => b'p',
        }
    }
}

/// The states to return. Snoozed notifications are never returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FeedStates {
    /// Unread and read notifications.
    #[default]
    Current,
    Only(Status),
    /// Including archived ones.
    All,
}

impl FeedStates {
    pub fn parse(word: &str) -> Option<Self> {
        if word == "all" { Some(FeedStates::All) } else { word.parse::<Status>().ok().map(FeedStates::Only) }
    }

    pub fn contains(self, status: Status) -> bool {
        match self {
            FeedStates::Current => status != Status::Archived,
            FeedStates::Only(only) => status == only,
            FeedStates::All => true,
        }
    }
}

#[derive(Debug, Clone, Default)]
pub struct FeedFilter {
    /// The template's code.
    pub kind: Option<String>,
    pub category: Option<Category>,
    pub priority: Option<Priority>,
    /// Only notifications sent on this channel; `inapp` matches every notification of the feed.
    pub channel: Option<Channel>,
    pub is_read: Option<bool>,
    pub team: Option<TeamId>,
    pub since: Option<Timestamp>,
    /// Full-text query on title and body of the newest 10,000 notifications.
    pub search: Option<String>,
}

/// The parameters of a feed page.
#[derive(Debug, Clone, Default)]
pub struct FeedPageQuery {
    pub sort: FeedSort,
    pub states: FeedStates,
    pub filter: FeedFilter,
    pub after: Option<FeedCursor>,
    pub offset: i64,
    pub limit: i64,
}

/// Points at the last notification of a page; the next page starts after it. Opaque to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedCursor {
    pub sort: FeedSort,
    /// The first sort key: 0 for unread and 1 for others, or the rank of the priority.
    pub sort_key: u8,
    pub last_event_at: Timestamp,
    pub id: Uuid,
}

impl FeedCursor {
    /// Parses `meta.next` of a page in the same order; `None` for anything else.
    pub fn parse(text: &str, sort: FeedSort) -> Option<Self> {
        let bytes: [u8; 26] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let ([sort_byte, part], rest) = bytes.split_first_chunk::<2>()?;
        let (millis, id) = rest.split_first_chunk::<8>()?;
        if *sort_byte != sort.as_byte() || *part > 3 {
            return None;
        }
        let at = Timestamp::from_millis(i64::from_be_bytes(*millis));
        Some(Self { sort, sort_key: *part, last_event_at: at, id: Uuid::from_slice(id).ok()? })
    }
}

impl fmt::Display for FeedCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.last_event_at.as_millis().to_be_bytes();
        let bytes = [&[self.sort.as_byte(), self.sort_key][..], &millis, self.id.as_bytes()].concat();
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_in_its_own_order_alone() {
        let at = Timestamp::from_millis(1_700_000_000_123);
        let cursor =
            FeedCursor { sort: FeedSort::Priority, sort_key: 2, last_event_at: at, id: Uuid::now_v7() };
        let text = cursor.to_string();
        assert_eq!(FeedCursor::parse(&text, FeedSort::Priority), Some(cursor));
        assert_eq!(FeedCursor::parse(&text, FeedSort::Recent), None);
        for wrong in ["", "x", "AAAA", &"A".repeat(35), "é"] {
            assert_eq!(FeedCursor::parse(wrong, FeedSort::Unread), None, "{wrong}");
        }
    }
}
