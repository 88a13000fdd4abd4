//! Scheduled jobs: each runs at its times, and each run in one process.
//!
//! - A row of `scheduled_jobs` holds when a job is due and which process runs it, under a lease with a token. A
//!   process that dies during a run loses the lease. A process that finishes too late finds its token replaced and
//!   writes nothing.
//! - One run makes up for all missed runs.
//! - A failed run is retried with growing delays. A job that fails or takes long delays no other job.
//! - Every job is idempotent and may run twice at once: a lease only promises a duration, and processes can be
//!   suspended.
//!
//! Features define jobs; `app` lists them.

mod model;
mod runner;
mod store;

pub use model::{Job, JobReport, Schedule, job};
pub use runner::{JobStatus, Scheduler};
