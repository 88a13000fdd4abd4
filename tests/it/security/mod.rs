//! Row-level security, tried from outside: the catalog, then every table × identity × verb straight in SQL, then
//! mutants of every policy, each of which must turn the other two red.
//!
//! `spec` says who may do what, in the words of `rule`, over the rows of `world`; `cells` turns it into statements
//! and `probe` runs them as the login roles. A new table or function belongs into `spec` or `functions`; what it
//! takes to insert a row of it into `candidates`.
//!
//! Over HTTP and sockets: `operations` tries every operation as everybody who may not, `bearers` every token that is
//! none, `rows` the service's own transactions without the application's checks.

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
