//! All SQL of the feed.

mod row;

pub use row::{COLUMNS, NotificationRow};
