//! Sockets over the whole service: committed events arrive in order, without gaps and without duplicates.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod changes;
mod commands;
pub mod conformance;
mod feed;
mod feed_changes;
mod guessing;
mod http_broadcast;
mod persist;
mod person;
mod resume;
mod rights;
mod rights_changes;
mod rights_sessions;
mod room;
mod stalled;
