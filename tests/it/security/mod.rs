//! Tests of row-level security: the catalog, then every table × identity × verb in SQL, then mutants of every policy,
//! each of which must make one of the others fail.
//!
//! `spec` defines who may do what, with the terms of `rule`, on the rows of `world`; `cells` turns it into
//! statements, and `probe` runs them with the login roles. A new table or function needs an entry in `spec` or
//! `functions`, and its insertable rows in `candidates`.
//!
//! Over HTTP and sockets: `operations` tries every operation as everyone who may not, `bearers` tries every invalid
//! token, `rows` runs the service's own transactions without the application's checks.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at what it did not expect"
)]

mod atoms;
mod bearers;
mod candidates;
mod cells;
mod chat;
mod clauses;
pub mod database;
mod feeds;
mod forgeries;
mod functions;
mod gate;
mod identity;
mod matrix;
mod mutants;
mod notified;
mod operations;
mod probe;
mod queues;
mod rows;
mod rule;
mod spec;
mod world;
