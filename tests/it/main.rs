//! One test binary: a folder per feature, over one harness.

mod api;
mod architecture;
mod chat;
mod config;
mod identity;
mod embedded;
mod harness;
mod migrations;
mod schema;
mod security;
mod telemetry;
mod web;
