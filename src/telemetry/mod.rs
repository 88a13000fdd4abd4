//! Logs and metrics.
//!
//! The log subscriber and the metrics recorder belong to the process: each is installed once, and later calls return
//! the first. Neither ever contains a token, a body or a complete address.

pub mod logs;
pub mod metric_names;
pub mod metrics;
