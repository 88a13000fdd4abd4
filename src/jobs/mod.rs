//! The clock of the house: jobs that run at their times, each run by one process.
//!
//! - A row of `scheduled_jobs` says when a job is due and who runs it, under a lease with a token. A process that dies
//!   mid-run loses it; whoever finishes late finds its token gone, and writes nothing.
//! - Runs that were missed (nobody was there) are made up by one run.
//! - A run that failed is tried again, later each time. A job that fails or takes long holds up no other.
//! - A job bears to be run twice at once: a lease is a promise about time, and processes can be frozen.
//!
//! Rooms offer jobs; `app` lists them.

mod model;
mod runner;
mod store;

pub use model::{Job, JobReport, Schedule, job};
pub use runner::{JobStatus, Scheduler};
