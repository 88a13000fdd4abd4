//! Generated bad input: every operation × field × hostile value, and thousands of corrupted frames. Never a 5xx or a
//! panic, always the envelope, nothing changed, and the service answers as before.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at what it did not expect"
)]

mod arsenal;
mod bodies;
mod dialects;
mod frames;
pub mod judge;
mod raw;
mod requests;
mod values;
