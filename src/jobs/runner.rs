//! Runs jobs when they are due. A job has at most one run at a time in all processes together.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use guichet_base::{Clock, Error, Result, Timestamp};
use guichet_db::Db;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::model::{Job, JobReport, Schedule, retry_delay};
use super::store::{self, JobRow, RunEnd};
use crate::telemetry::metric_names::JOB_RUNS;

/// How long a run stays with a process that does not renew its lease.
const LEASE: Duration = Duration::from_secs(60);
/// A lease that ends later than this was written by a wrong clock.
const MAX_LEASE: Duration = Duration::from_secs(600);
const RENEW_INTERVAL: Duration = Duration::from_secs(20);
/// The longest sleep: afterwards the database may have changed, or the clock.
const MAX_SLEEP: Duration = Duration::from_secs(15);
/// The shortest sleep, and the delay before a row that another process is about to take is read again.
const MIN_SLEEP: Duration = Duration::from_millis(100);
/// How long running jobs may take to end when the service stops.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// All jobs of the service. Clones share the running jobs.
#[derive(Clone)]
pub struct Scheduler(Arc<Shared>);

struct Shared {
    db: Db,
    clock: Clock,
    jobs: Vec<Box<dyn Job>>,
    /// The number of runs of this process, including those that are just being taken.
    active_runs: watch::Sender<usize>,
    /// The runs that this process holds.
    held_runs: Mutex<Vec<(&'static str, Uuid)>>,
    wake_signal: Notify,
}

/// The state of a job.
#[derive(Debug, Clone)]
pub struct JobStatus {
    pub name: &'static str,
    pub schedule: Schedule,
    pub due_at: Timestamp,
    /// Since when it runs, if it does.
    pub running_since: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub outcome: Option<String>,
    pub message: Option<String>,
}

/// A run that this process took.
struct ClaimedRun<'s> {
    job: &'s dyn Job,
    token: Uuid,
    at: Timestamp,
    /// The delay before this try, if the previous try failed.
    previous_delay: Option<Duration>,
    _held: HeldRunGuard<'s>,
}

/// The runs that were taken, and when to look again.
struct DueRuns<'s> {
    claims: Vec<ClaimedRun<'s>>,
    next: Timestamp,
}

impl Scheduler {
    /// Names must differ.
    pub fn new(db: Db, clock: Clock, jobs: Vec<Box<dyn Job>>) -> Self {
        Self(Arc::new(Shared {
            db,
            clock,
            jobs,
            active_runs: watch::Sender::new(0),
            held_runs: Mutex::default(),
            wake_signal: Notify::new(),
        }))
    }

    pub fn names(&self) -> Vec<&'static str> {
        self.0.jobs.iter().map(|job| job.name()).collect()
    }

    /// Looks for due jobs now, because something became due earlier than planned.
    pub fn wake(&self) {
        self.0.wake_signal.notify_one();
    }

    /// Runs due jobs until `stop` is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        let shared = &*self.0;
        let mut runs = FuturesUnordered::new();
        loop {
            let next = match poll_alongside(shared.claim_due(), &mut runs).await {
                Ok(look) => {
                    runs.extend(look.claims.into_iter().map(|claim| shared.execute(claim).map(drop)));
                    look.next
                }
                Err(error) => {
                    tracing::warn!(%error, "the jobs could not be looked at; trying again");
                    shared.clock.now().plus(Duration::from_secs(1))
                }
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = sleep(shared.sleep_duration(next)) => {}
                () = shared.wake_signal.notified() => {}
                // The job's next time may have come already.
                Some(()) = runs.next() => {}
            }
        }
        let ended = tokio::time::timeout(SHUTDOWN_GRACE, runs.by_ref().collect::<Vec<()>>()).await;
        if ended.is_err() {
            let tokens = shared.lock_held_runs().iter().map(|(_, token)| *token).collect();
            drop(runs);
            shared.release(tokens).await;
        }
    }

    /// Runs everything that is due now and waits for the runs of this process. Returns the number of runs that it
    /// started.
    pub async fn drain(&self) -> Result<usize> {
        let shared = &*self.0;
        let mut runs = 0;
        loop {
            let claims = shared.claim_due().await?.claims;
            if claims.is_empty() {
                if *shared.active_runs.borrow() == 0 {
                    return Ok(runs);
                }
                shared.active_runs.subscribe().wait_for(|busy| *busy == 0).await.map_err(Error::internal)?;
                continue;
            }
            runs += claims.len();
            join_all(claims.into_iter().map(|claim| shared.execute(claim))).await;
        }
    }

    /// Runs a job whether or not it is due. `None` if it is already running, here or elsewhere. Errors: `NOT_FOUND`
    /// for an unknown name, and the job's own errors.
    pub async fn run_now(&self, name: &str) -> Result<Option<JobReport>> {
        let shared = &*self.0;
        let job = shared.job(name).ok_or_else(|| Error::not_found("job"))?;
        let busy = shared.begin_run();
        let rows = shared.load_or_create_rows(vec![job.name()]).await?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        match shared.try_claim(job, row, None, busy).await? {
            Some(claim) => shared.execute(claim).await.map(Some),
            None => Ok(None),
        }
    }

    /// All jobs, sorted by name.
    pub async fn list(&self) -> Result<Vec<JobStatus>> {
        let shared = &*self.0;
        let (now, rows) = (shared.clock.now(), shared.load_or_create_rows(self.names()).await?);
        let standings = rows.into_iter().filter_map(|row| {
            let job = shared.job(&row.name)?;
            Some(JobStatus {
                name: job.name(),
                schedule: job.schedule(),
                due_at: row.due_at,
                running_since: row.started_at.filter(|_| row.lease_until.is_some() && !is_free(&row, now)),
                finished_at: row.finished_at,
                outcome: row.outcome,
                message: row.said,
            })
        });
        Ok(standings.collect())
    }
}

impl Shared {
    fn job(&self, name: &str) -> Option<&dyn Job> {
        self.jobs.iter().find(|job| job.name() == name).map(Box::as_ref)
    }

    /// In real time; only tests move the clock.
    fn sleep_duration(&self, next: Timestamp) -> Duration {
        let millis = next.as_millis().saturating_sub(self.clock.now().as_millis());
        Duration::from_millis(u64::try_from(millis).unwrap_or(0)).clamp(MIN_SLEEP, MAX_SLEEP)
    }

    /// The rows of these jobs. Missing rows are created.
    async fn load_or_create_rows(&self, names: Vec<&'static str>) -> Result<Vec<JobRow>> {
        let now = self.clock.now();
        let first: Vec<(&'static str, Timestamp)> = names
            .iter()
            .filter_map(|name| Some((*name, self.job(name)?.schedule().first_due(now))))
            .collect();
        self.db
            .worker(move |tx| {
                let names: Vec<String> = first.iter().map(|(name, _)| (*name).to_owned()).collect();
                let found = store::load(tx, names.clone())?;
                if found.len() == first.len() {
                    return Ok(found);
                }
                for (name, due) in &first {
                    store::insert(tx, name, *due)?;
                }
                store::load(tx, names)
            })
            .await
    }

    /// Takes every due run that no process holds.
    async fn claim_due(&self) -> Result<DueRuns<'_>> {
        // Registered before the first row is read, so that `drain` never finds a run neither due nor under way.
        let _busy = self.begin_run();
        let rows = self.load_or_create_rows(self.jobs.iter().map(|job| job.name()).collect()).await?;
        let now = self.clock.now();
        let (mut claims, mut next) = (Vec::new(), now.plus(MAX_SLEEP));
        for row in rows {
            let Some(job) = self.job(&row.name) else { continue };
            if !job.schedule().is_due(row.due_at, now) {
                next = next.min(row.due_at);
            } else if is_free(&row, now) {
                let due = Some(row.due_at);
                match self.try_claim(job, row, due, self.begin_run()).await {
                    Ok(claim) => claims.extend(claim),
                    // The runs taken so far must run: their leases block all other processes.
                    Err(error) => {
                        tracing::warn!(%error, job = job.name(), "a run could not be taken; looking again");
                        next = next.min(now.plus(Duration::from_secs(1)));
                    }
                }
            } else {
                next = next.min(row.lease_until.unwrap_or(now).max(now.plus(Duration::from_secs(1))));
            }
        }
        Ok(DueRuns { claims, next })
    }

    async fn try_claim<'s>(
        &'s self,
        job: &'s dyn Job,
        row: JobRow,
        due: Option<Timestamp>,
        busy: ActiveRunGuard<'s>,
    ) -> Result<Option<ClaimedRun<'s>>> {
        let at = self.clock.now();
        // A clock that jumps ends leases: a run that is still active here must not be started a second time.
        let runs_here = self.lock_held_runs().iter().any(|(name, _)| *name == job.name());
        if runs_here || !is_free(&row, at) {
            return Ok(None);
        }
        let waited = previous_delay(&row);
        let taken = self.db.worker(move |tx| store::claim(tx, &row, due, at, at.plus(LEASE))).await?;
        Ok(taken.map(|token| {
            self.lock_held_runs().push((job.name(), token));
            ClaimedRun { job, token, at, previous_delay: waited, _held: HeldRunGuard { token, busy } }
        }))
    }

    async fn execute(&self, claim: ClaimedRun<'_>) -> Result<JobReport> {
        let begun = Instant::now();
        let done = tokio::select! {
            done = AssertUnwindSafe(claim.job.run(claim.at)).catch_unwind() =>
                done.unwrap_or_else(|_| Err(Error::internal("the job panicked"))),
            () = self.keep_lease(&claim) => Err(Error::internal("another process took the run over")),
        };
        let end = self.run_end(&claim, &done);
        let (name, token) = (claim.job.name(), claim.token);
        record_run(name, &done, begun.elapsed());
        match self.db.worker(move |tx| store::finish(tx, name, token, &end)).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(job = name, "a run ended late: another process has it, or had it"),
            // The lease expires by itself, and the run is repeated.
            Err(error) => tracing::warn!(%error, job = name, "the end of a run could not be written"),
        }
        done
    }

    fn run_end(&self, claim: &ClaimedRun<'_>, done: &Result<JobReport>) -> RunEnd {
        let at = self.clock.now();
        match done {
            // Measured from the start of the run: what became due during the run was not done by it.
            Ok(JobReport { count }) => {
                let next = claim.job.schedule().next_after(claim.at);
                RunEnd { outcome: "ok", message: count.to_string(), finished_at: at, due_at: next }
            }
            Err(error) => {
                let next = at.plus(retry_delay(claim.previous_delay));
                RunEnd { outcome: "error", message: error.to_string(), finished_at: at, due_at: next }
            }
        }
    }

    /// Renews the lease while this process holds the run, and returns when it no longer does.
    async fn keep_lease(&self, claim: &ClaimedRun<'_>) {
        let (name, token) = (claim.job.name(), claim.token);
        loop {
            sleep(RENEW_INTERVAL).await;
            let until = self.clock.now().plus(LEASE);
            match self.db.worker(move |tx| store::renew(tx, name, token, until)).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(%error, job = name, "a lease could not be renewed; trying again")
                }
            }
        }
    }

    /// Releases the leases of unfinished runs.
    async fn release(&self, tokens: Vec<Uuid>) {
        if let Err(error) = self.db.worker(move |tx| store::release(tx, tokens.clone())).await {
            tracing::debug!(%error, "leases were not released; they end by themselves");
        }
    }

    fn lock_held_runs(&self) -> MutexGuard<'_, Vec<(&'static str, Uuid)>> {
        self.held_runs.lock()
    }

    fn begin_run(&self) -> ActiveRunGuard<'_> {
        self.active_runs.send_modify(|busy| *busy += 1);
        ActiveRunGuard(self)
    }
}

/// Awaits `first` while also polling `runs`: an unpolled run may hold the connection that `first` waits for.
async fn poll_alongside<T>(
    first: impl Future<Output = T>,
    runs: &mut FuturesUnordered<impl Future<Output = ()>>,
) -> T {
    let mut first = pin!(first);
    loop {
        tokio::select! {
            done = &mut first => return done,
            Some(()) = runs.next() => {}
        }
    }
}

/// Counts one run as under way until dropped.
struct ActiveRunGuard<'s>(&'s Shared);

impl Drop for ActiveRunGuard<'_> {
    fn drop(&mut self) {
        self.0.active_runs.send_modify(|busy| *busy = busy.saturating_sub(1));
    }
}

/// Marks a run as held by this process until dropped.
struct HeldRunGuard<'s> {
    token: Uuid,
    busy: ActiveRunGuard<'s>,
}

impl Drop for HeldRunGuard<'_> {
    fn drop(&mut self) {
        self.busy.0.lock_held_runs().retain(|(_, held)| *held != self.token);
    }
}

fn is_free(row: &JobRow, now: Timestamp) -> bool {
    row.lease_until.is_none_or(|until| until <= now || until > now.plus(MAX_LEASE))
}

/// The delay between the failed run and the retry that the row announces.
fn previous_delay(row: &JobRow) -> Option<Duration> {
    let failed_at = row.finished_at.filter(|_| row.outcome.as_deref() == Some("error"))?;
    let millis = row.due_at.as_millis().saturating_sub(failed_at.as_millis());
    Some(Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
}

fn record_run(job: &'static str, done: &Result<JobReport>, took: Duration) {
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let outcome = match done {
        Ok(JobReport { count: 0 }) => {
            tracing::debug!(job, took_ms, "a job had nothing to do");
            "ok"
        }
        Ok(JobReport { count }) => {
            tracing::info!(job, count, took_ms, "a job ran");
            "ok"
        }
        Err(error) => {
            tracing::warn!(%error, job, took_ms, "a job failed; it will be tried again");
            "error"
        }
    };
    metrics::counter!(JOB_RUNS, "job" => job, "outcome" => outcome).increment(1);
}
