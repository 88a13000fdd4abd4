//! One test binary: a folder per feature, over one harness.

mod chat;
mod config;
mod embedded;
mod harness;
mod migrations;
mod outage;
mod security;
mod telemetry;
mod web;
