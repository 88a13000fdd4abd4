//! Notifications: from an event to its recipients.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

mod broadcast;
mod built_in;
mod events;
mod feed;
mod manual;
mod messages;
mod rows;
mod templates;
mod throttle;
