//! The feed of each person: its contents, and every change by its owner or a job.
//!
//! - A change first locks the person's row in `notification_feeds`. Sequence numbers therefore have no gaps, and the
//!   counter always equals the number of visible notifications that are unread and neither deleted nor snoozed.
//! - The effect of every action is one pure function (`action`).
//! - A notification past its `expires_at` is invisible even before the job removes it: responses and events subtract
//!   it from the counter until then.
//! - A snoozed notification is invisible until the job ends the snooze.

mod action;
pub mod http;
pub mod model;
mod policy;
pub mod query;
mod service;
mod store;

pub use service::{
    ReadSelection, ack, archive, delete, expire, get, list, read, read_group, snooze, unarchive, unread,
    wake_snoozed,
};
pub use store::{NOTIFICATION_COLUMNS, NotificationRow};
