//! The clock of the house, over a real database: who runs what, once.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod command;
mod desk;
mod failing;
mod leases;
mod once;
