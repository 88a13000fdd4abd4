//! One test binary: a folder per feature, over one harness.

mod clients;
mod config;
mod embedded;
mod telemetry;
mod web;
