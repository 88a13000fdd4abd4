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

/// The order. Within each, newest first, by the last event of each notification.
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
    const fn byte(self) -> u8 {
        match self {
            FeedSort::Unread => b'u',
            FeedSort::Recent => b'r',
            FeedSort::Priority => b'p',
        }
    }
}

/// Which states to return. Snoozed notifications are in none until they return.
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
    pub fn of_word(word: &str) -> Option<Self> {
        if word == "all" { Some(FeedStates::All) } else { word.parse::<Status>().ok().map(FeedStates::Only) }
    }

    pub fn has(self, status: Status) -> bool {
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
    /// Sent on this channel; `inapp` means everything in a feed.
    pub channel: Option<Channel>,
    pub is_read: Option<bool>,
    pub team: Option<TeamId>,
    pub since: Option<Timestamp>,
    /// Searched in title and body of the newest 10,000.
    pub words: Option<String>,
}

/// A page of a feed to return.
#[derive(Debug, Clone, Default)]
pub struct FeedPageQuery {
    pub sort: FeedSort,
    pub shown: FeedStates,
    pub filter: FeedFilter,
    pub after: Option<FeedCursor>,
    pub offset: i64,
    pub limit: i64,
}

/// Points at the last notification of a page; the next page starts after it. Opaque to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedCursor {
    pub sort: FeedSort,
    /// The first sort key: unread or not, or the priority.
    pub part: u8,
    pub at: Timestamp,
    pub id: Uuid,
}

impl FeedCursor {
    /// Parses `meta.next` of a page in the same order; `None` for anything else.
    pub fn parse(text: &str, sort: FeedSort) -> Option<Self> {
        let bytes: [u8; 26] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let ([of, part], rest) = bytes.split_first_chunk::<2>()?;
        let (millis, id) = rest.split_first_chunk::<8>()?;
        if *of != sort.byte() || *part > 3 {
            return None;
        }
        let at = Timestamp::from_millis(i64::from_be_bytes(*millis));
        Some(Self { sort, part: *part, at, id: Uuid::from_slice(id).ok()? })
    }
}

impl fmt::Display for FeedCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.at.as_millis().to_be_bytes();
        let bytes = [&[self.sort.byte(), self.part][..], &millis, self.id.as_bytes()].concat();
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_in_its_own_order_alone() {
        let at = Timestamp::from_millis(1_700_000_000_123);
        let cursor = FeedCursor { sort: FeedSort::Priority, part: 2, at, id: Uuid::now_v7() };
        let text = cursor.to_string();
        assert_eq!(FeedCursor::parse(&text, FeedSort::Priority), Some(cursor));
        assert_eq!(FeedCursor::parse(&text, FeedSort::Recent), None);
        for wrong in ["", "x", "AAAA", &"A".repeat(35), "é"] {
            assert_eq!(FeedCursor::parse(wrong, FeedSort::Unread), None, "{wrong}");
        }
    }
}
