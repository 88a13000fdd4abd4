//! One test binary: a folder per feature, over one harness.

mod config;
mod telemetry;
mod web;
