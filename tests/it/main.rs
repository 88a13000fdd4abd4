//! One test binary: a folder per feature, over one harness.

mod config;
mod identity;
mod telemetry;
mod web;
