//! One test binary: a folder per feature, over one harness.

mod clients;
mod config;
mod embedded;
mod migrations;
mod security;
mod telemetry;
mod web;
