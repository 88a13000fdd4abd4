//! All SQL of the feed.

mod analytics;
mod change;
mod due;
mod list;
mod row;

pub use analytics::analytics;
pub use change::{
    Owner, apply, apply_many, by_ids, in_group, insert_events, known, lock, of_group, read_unseen, taken,
    unread_until,
};
pub use due::{asleep, due_asleep, due_past, past, remove_unseen};
pub use list::{FeedRow, is_deleted, list, one, unread};
pub use row::{COLUMNS, NotificationRow};
