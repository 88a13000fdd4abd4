//! Unmodified client libraries against the real service: the built binary, its embedded PostgreSQL, and the libraries
//! from their registries.
//!
//! The libraries run in separate programs (`tests/clients/`), which report each event as a line of JSON and execute
//! lines as orders. The tests stop, kill and cut what lies between.

#![expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test that is wrong about a shape fails by panicking"
)]

mod afritalk;
mod api;
mod application;
mod both_sides;
mod changes;
mod demo;
mod libraries;
mod ports;
mod presence;
mod proxy;
mod random;
mod removal;
mod restarts;
mod service;
mod socketio;
mod toolbox;
mod tour;
