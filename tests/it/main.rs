//! One test binary: a folder per feature, over one harness.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests: a panic is how they fail, and clippy sees only functions marked as tests"
)]

mod api;
mod architecture;
mod chat;
mod clients;
mod config;
mod embedded;
mod harness;
mod hostile;
mod identity;
mod migrations;
mod outage;
mod realtime;
mod schema;
mod security;
mod telemetry;
mod web;
