//! One test binary: a folder per feature, over one harness.

mod chat;
mod config;
mod identity;
mod embedded;
mod harness;
mod migrations;
mod security;
mod telemetry;
mod web;
