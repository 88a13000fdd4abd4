//! A job and its schedule. Pure.

use std::future::Future;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use guichet_base::{Result, Timestamp};

/// The longest delay before a failed run is retried.
pub(super) const MAX_RETRY_DELAY: Duration = Duration::from_secs(300);
const MIN_RETRY_DELAY: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3_600);
const HOUR: Duration = Duration::from_secs(3_600);

/// Scheduled work. It must be idempotent, also when two runs overlap.
pub trait Job: Send + Sync {
    /// Unique, and a label of `job_runs_total`: `idempotency.sweep`.
    fn name(&self) -> &'static str;

    fn schedule(&self) -> Schedule;

    /// Does what is due at `at`. The future is dropped when the process stops or loses the lease.
    fn run(&self, at: Timestamp) -> BoxFuture<'_, Result<JobReport>>;
}

/// When a job runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// At multiples of this duration since the epoch, so that all processes agree on the times.
    Every(Duration),
    /// Once a day, at this full hour.
    DailyAt { hour_utc: u32 },
}

/// The result of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobReport {
    /// The number of rows, mails or events that the run processed. 0 means that there was nothing to do.
    pub count: u64,
}

impl JobReport {
    pub fn count(count: impl TryInto<u64>) -> Self {
        Self { count: count.try_into().unwrap_or(u64::MAX) }
    }
}

/// Creates a job from a function.
pub fn job<F, Run>(name: &'static str, schedule: Schedule, run: F) -> Box<dyn Job>
where
    F: Fn(Timestamp) -> Run + Send + Sync + 'static,
    Run: Future<Output = Result<JobReport>> + Send + 'static,
{
    Box::new(FnJob { name, schedule, run })
}

struct FnJob<F> {
    name: &'static str,
    schedule: Schedule,
    run: F,
}

impl<F, Run> Job for FnJob<F>
where
    F: Fn(Timestamp) -> Run + Send + Sync,
    Run: Future<Output = Result<JobReport>> + Send + 'static,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn schedule(&self) -> Schedule {
        self.schedule
    }

    fn run(&self, at: Timestamp) -> BoxFuture<'_, Result<JobReport>> {
        (self.run)(at).boxed()
    }
}

impl Schedule {
    /// The first time of the schedule after `at`. One run makes up for all times that were missed before it.
    pub fn next_after(self, at: Timestamp) -> Timestamp {
        let (period, phase) = match self {
            Schedule::Every(period) => (millis(period).max(1), 0),
            Schedule::DailyAt { hour_utc } => (millis(DAY), millis(HOUR.saturating_mul(hour_utc % 24))),
        };
        let periods = at.as_millis().saturating_sub(phase).div_euclid(period) + 1;
        Timestamp::from_millis(periods.saturating_mul(period).saturating_add(phase))
    }

    /// When a job that has never run is due: at once, or at its hour if it is a daily one.
    pub(super) fn first_due(self, now: Timestamp) -> Timestamp {
        match self {
            Schedule::Every(_) => now,
            Schedule::DailyAt { .. } => self.next_after(now),
        }
    }

    /// Whether `due` has come. A time further ahead than this schedule would ever set was written under another
    /// schedule or by a wrong clock, and counts as come.
    pub(super) fn is_due(self, due: Timestamp, now: Timestamp) -> bool {
        due <= now || due > self.next_after(now).max(now.plus(MAX_RETRY_DELAY))
    }
}

/// The delay before a failed run is retried: twice the previous delay if the previous try failed too.
pub(super) fn retry_delay(before: Option<Duration>) -> Duration {
    before.map_or(MIN_RETRY_DELAY, |before| before.saturating_mul(2)).clamp(MIN_RETRY_DELAY, MAX_RETRY_DELAY)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN_MINUTES: Schedule = Schedule::Every(Duration::from_secs(600));
    const AT_THREE: Schedule = Schedule::DailyAt { hour_utc: 3 };

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn every_process_means_the_same_times() {
        for asked in ["2026-01-02T10:00:00Z", "2026-01-02T10:03:07.123Z", "2026-01-02T10:09:59.999Z"] {
            assert_eq!(TEN_MINUTES.next_after(at(asked)), at("2026-01-02T10:10:00Z"));
        }
        assert_eq!(AT_THREE.next_after(at("2026-01-02T02:59:59.999Z")), at("2026-01-02T03:00:00Z"));
        assert_eq!(AT_THREE.next_after(at("2026-01-02T03:00:00Z")), at("2026-01-03T03:00:00Z"));
        assert_eq!(AT_THREE.next_after(at("1969-12-31T23:00:00Z")), at("1970-01-01T03:00:00Z"));
    }

    #[test]
    fn a_new_job_runs_at_once_and_a_daily_one_at_its_hour() {
        let now = at("2026-01-02T10:03:00Z");
        assert_eq!(TEN_MINUTES.first_due(now), now);
        assert_eq!(AT_THREE.first_due(now), at("2026-01-03T03:00:00Z"));
    }

    #[test]
    fn a_time_that_no_schedule_says_counts_as_come() {
        let now = at("2026-01-02T10:03:00Z");
        assert!(TEN_MINUTES.is_due(now, now));
        assert!(!TEN_MINUTES.is_due(at("2026-01-02T10:10:00Z"), now));
        assert!(TEN_MINUTES.is_due(at("2026-01-02T11:10:00Z"), now), "a clock that was an hour ahead");
        assert!(!AT_THREE.is_due(at("2026-01-03T03:00:00Z"), now));
        assert!(AT_THREE.is_due(at("2027-01-03T03:00:00Z"), now));
    }

    #[test]
    fn a_failed_run_waits_longer_each_time_and_never_too_long_or_beyond_belief() {
        let waits: Vec<u64> =
            std::iter::successors(Some(retry_delay(None)), |before| Some(retry_delay(Some(*before))))
                .map(|wait| wait.as_secs())
                .take(11)
                .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(retry_delay(Some(Duration::MAX)), MAX_RETRY_DELAY);
        let now = at("2026-01-02T10:03:00Z");
        let seconds = Schedule::Every(Duration::from_secs(1));
        assert!(!seconds.is_due(now.plus(MAX_RETRY_DELAY), now), "the wait would count for nothing");
    }
}
