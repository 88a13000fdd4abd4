//! Scheduled work on notifications. Each job is idempotent, also when two runs overlap; `app` sets the schedules.
//!
//! - [`retention`]: deletes old rows, in small transactions.
//! - [`inactivity`]: finds clients that were not seen for days.
//! - [`digest`]: collects notifications of low priority into one email at the hour that each person has chosen.
//! - [`repair`], [`fake`]: run only by CLI commands.

pub mod digest;
pub mod fake;
pub mod inactivity;
pub mod repair;
pub mod retention;
mod store;
