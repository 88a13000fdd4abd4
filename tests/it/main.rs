//! One test binary: a folder per feature, over one harness.

mod embedded;
mod config;
mod telemetry;
mod web;
mod migrations;
mod security;
