//! The activity log: what is written, what is read of it, and how long it stays.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod derived;
mod list;
mod partitions;
