//! All SQL of the feed.

mod analytics;
mod change;
mod due;
mod list;
mod row;

pub use analytics::analytics;
pub use change::{
    FeedOwner, apply, apply_many, by_ids, groups_with_unread, ids_ever_owned, insert_events, lock,
    mark_hidden_read, unread_in_group, unread_targets_of_group, unread_until,
};
pub use due::{delete_hidden, due_snoozes, expired, owners_with_due_snoozes, owners_with_expired};
pub use list::{FeedRow, find, is_deleted, list, unread};
pub use row::{NOTIFICATION_COLUMNS, NotificationRow};
