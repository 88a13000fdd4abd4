//! One test binary: a folder per feature, over one harness.

mod config;
mod identity;
mod embedded;
mod migrations;
mod security;
mod telemetry;
mod web;
