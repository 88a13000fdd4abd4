//! One test binary: a folder per feature, over one harness.

mod chat;
mod config;
mod embedded;
mod harness;
mod identity;
mod migrations;
mod realtime;
mod security;
mod telemetry;
mod web;
