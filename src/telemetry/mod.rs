//! Logs and metrics.
//!
//! The log subscriber and the metrics recorder belong to the process: each is installed once, and later calls return
//! the first. Neither contains tokens, bodies, or complete email addresses and phone numbers.

pub mod logs;
pub mod metric_names;
pub mod metrics;
