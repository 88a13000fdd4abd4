//! The integration tests: one binary, a folder per feature, one harness.

mod activity;
mod api;
mod architecture;
mod chat;
mod clients;
mod config;
mod deliveries;
mod embedded;
mod harness;
mod hostile;
mod identity;
mod intake;
mod jobs;
mod migrations;
mod notifications;
mod outage;
mod preferences;
mod presence;
mod realtime;
mod schema;
mod security;
mod telemetry;
mod web;
