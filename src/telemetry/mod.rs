//! What operators see: logs and metrics.
//!
//! Logs and the metrics recorder belong to the process: both are installed once, and whoever asks again
//! gets the first. Neither ever holds a token, a body or a full address.

pub mod logs;
pub mod metrics;
pub mod names;
