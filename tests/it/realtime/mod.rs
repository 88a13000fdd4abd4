//! Sockets over the whole service: what is committed is heard, in order, without gaps and without repeats.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod commands;
mod conformance;
mod guessing;
mod person;
mod resume;
mod rights;
mod room;
