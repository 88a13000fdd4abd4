//! The scheduler on a real database, and the jobs of notifications.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod command;
mod digest;
mod failing;
mod fixture;
mod inactivity;
mod leases;
mod once;
mod repair;
mod retention;
mod table;
