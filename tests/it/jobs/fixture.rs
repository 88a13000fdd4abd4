//! Schedulers on one database and clock, as if each ran in its own process.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use guichet::jobs::{Job, JobReport, JobStatus, Schedule, Scheduler, job};
use guichet_base::{Clock, Timestamp};
use guichet_db::embedded::LoginRole;
use guichet_db::{Db, DbSettings};
use tokio::sync::Notify;

use crate::harness::TestDatabase;

pub const HOURLY: Schedule = Schedule::Every(Duration::from_secs(3_600));

pub struct JobsFixture {
    pub clock: Clock,
    database: TestDatabase,
}

impl JobsFixture {
    pub fn new() -> Self {
        Self { clock: Clock::system(), database: TestDatabase::new() }
    }

    /// Another process.
    pub fn scheduler(&self, jobs: Vec<Box<dyn Job>>) -> Scheduler {
        self.by(self.clock.clone(), jobs)
    }

    /// One with the unmoved clock.
    pub fn by_the_right_clock(&self, jobs: Vec<Box<dyn Job>>) -> Scheduler {
        self.by(Clock::system(), jobs)
    }

    fn by(&self, clock: Clock, jobs: Vec<Box<dyn Job>>) -> Scheduler {
        let db = Db::new(&DbSettings {
            app_url: self.database.url(LoginRole::App),
            worker_url: self.database.url(LoginRole::Worker),
            app_connections: 1,
            worker_connections: 2,
            job_connections: 1,
            acquire_timeout: Duration::from_secs(10),
        });
        Scheduler::new(db, clock, jobs)
    }

    /// Moves the clock to the next due time of the job.
    pub async fn until_due(&self, by: &Scheduler, name: &str) {
        let due = standing(by, name).await.due_at;
        let ahead = due.as_millis() - self.clock.now().as_millis();
        self.clock.advance(Duration::from_millis(ahead.try_into().unwrap_or(0)));
    }
}

pub async fn standing(by: &Scheduler, name: &str) -> JobStatus {
    by.list().await.unwrap().into_iter().find(|job| job.name == name).unwrap()
}

/// The runs, with their due times.
#[derive(Clone, Default)]
pub struct Runs(Arc<Mutex<Vec<Timestamp>>>);

impl Runs {
    pub fn job(&self, name: &'static str, schedule: Schedule) -> Box<dyn Job> {
        let runs = self.clone();
        job(name, schedule, move |at| {
            runs.0.lock().unwrap().push(at);
            // Long enough that others find it under way.
            async {
                tokio::task::yield_now().await;
                Ok(JobReport::count(1))
            }
        })
    }

    pub fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// A job that begins, and ends when it is released.
#[derive(Clone, Default)]
pub struct Gate {
    pub begun: Arc<Notify>,
    pub go: Arc<Notify>,
    pub runs: Arc<AtomicUsize>,
}

impl Gate {
    pub fn job(&self, name: &'static str, says: u64) -> Box<dyn Job> {
        let gate = self.clone();
        job(name, HOURLY, move |_| {
            let gate = gate.clone();
            async move {
                gate.runs.fetch_add(1, Ordering::Relaxed);
                gate.begun.notify_one();
                gate.go.notified().await;
                Ok(JobReport { count: says })
            }
        })
    }
}

/// Returns a number at once.
pub fn says(name: &'static str, count: u64) -> Box<dyn Job> {
    job(name, HOURLY, move |_| async move { Ok(JobReport { count }) })
}
