//! Each person's feed: what it shows, and every change that its person or the clock makes to it.
//!
//! - A change happens under the lock of the person's row in `notification_feeds`, taken first; so numbers have no holes
//!   and the counter is always a recount of what is visible, unread, and neither deleted nor snoozed.
//! - What can be done, and what it moves, is one pure function (`deed`).
//! - What is past its `expires_at` exists for nobody, whether or not the job has been there: answers and events take it
//!   off the counter until the job does.
//! - What was snoozed is away until the job brings it back.

mod action;
pub mod http;
pub mod model;
mod policy;
pub mod query;
mod service;
mod store;

pub use service::{
    Which, ack, archive, delete, expire, get, list, read, read_group, snooze, unarchive, unread, wake_snoozed,
};
pub use store::{COLUMNS, NotificationRow};
