//! guichet: chat, notifications, presence, tickets and meetings between a business and its customers, as one backend.
//!
//! The modules, from the lowest layer to the highest. A module may use only modules that precede it in this list
//! (`tests/it/architecture/modules.rs` has the table). Three crates of the workspace form the lowest layer:
//!
//! - `guichet_base`: values and rules without I/O: errors, ids, actors, permissions, time, texts.
//! - `guichet_db`: PostgreSQL, embedded or configured; pools; transactions that carry an actor.
//! - `guichet_realtime`: WebSockets: hub, sessions, wire formats, presence, replay log, row changes.
//!
//! The modules of the service:
//!
//! - `schema`: the tables, for Diesel. `config`, `telemetry`: configuration; logs and metrics.
//! - `web`: conventions of all endpoints: envelope, extractors, limits, health, docs.
//! - `activity`: the activity log.
//! - `directory`: tenants, users, clients, teams, projects, presence over REST.
//! - `auth`: tokens, just-in-time provisioning, the authentication middleware.
//! - `jobs`: scheduled jobs, each run in one process.
//! - `preferences`: notification preferences, and the decision by which channels a person is notified.
//! - `notifications`: events, templates, the feed of each person.
//! - `deliveries`: email, SMS and push.
//! - `chat`: conversations, messages, receipts.
//! - `app`: the composition root. `cli`: the commands.

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
