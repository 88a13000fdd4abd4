//! The API as a whole, operation by operation from its own description: complete, true, and robust.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod async_described;
mod async_live;
mod async_spec;
mod async_valid;
mod described;
pub mod sample_records;
mod shape;
pub mod spec;
