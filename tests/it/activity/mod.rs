//! The activity log: writing, reading and retention.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod derived;
mod list;
mod partitions;
