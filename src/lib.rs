//! guichet: the desk between a business and its customers, as one backend.
//!
//! A tour of the house, from the ground up. A room may use the rooms above it in this list, never those
//! below (`tests/it/architecture.rs` holds the table of who may import whom).
//!
//! - `base`: values and rules without I/O: errors, ids, actors, time, texts.
//! - `config`, `telemetry`: what is set from outside; logs and metrics.
//! - `db`: the embedded or given PostgreSQL, pools, and the transaction that carries an actor.
//! - `web`: what every endpoint shares: envelope, extractors, guards, limits, health, docs.
//! - `realtime`: hub, sessions, codecs, resume, outbox.
//! - `activity`: who did what.
//! - `identity`: tokens, people, rights, provisioning.
//! - `jobs`: what runs by the clock, each run in one process.
//! - `preferences`: what each person wants to be told, and the decision that follows.
//! - `notifications`: events, templates, the feed of each person.
//! - `deliveries`: what leaves the house: email, SMS, push.
//! - `chat`: rooms, messages, receipts.
//! - `app`: wires the rooms together. `cli`: the commands.

pub mod activity;
pub mod app;
pub mod auth;
pub mod chat;
pub mod cli;
pub mod config;
pub mod deliveries;
pub mod directory;
pub mod jobs;
pub mod notifications;
pub mod preferences;
pub mod schema;
pub mod telemetry;
pub mod web;
