//! All scheduled jobs, one line each. `docs/operations.md` describes them.

use std::future::Future;
use std::time::Duration;

use guichet_base::{Result, Timestamp};
use guichet_db::Db;

use crate::activity;
use crate::auth::connect;
use crate::config::Config;
use crate::deliveries::{Deliveries, failure_alert};
use crate::jobs::{Job, JobReport, Schedule, Scheduler, job};
use crate::notifications::jobs::retention::{RetentionPeriods, clean};
use crate::notifications::jobs::{digest, inactivity};
use crate::notifications::{Notifications, feed, summary};
use crate::web::idempotency;

const EACH_SECOND: Schedule = Schedule::Every(Duration::from_secs(1));
const TEN_SECONDS: Schedule = Schedule::Every(Duration::from_secs(10));
const HALF_MINUTE: Schedule = Schedule::Every(Duration::from_secs(30));
const EACH_MINUTE: Schedule = Schedule::Every(Duration::from_secs(60));
const TEN_MINUTES: Schedule = Schedule::Every(Duration::from_secs(600));
const HOURLY: Schedule = Schedule::Every(Duration::from_secs(3_600));
const DAILY_AT_3_UTC: Schedule = Schedule::DailyAt { hour_utc: 3 };
const DAILY_AT_6_UTC: Schedule = Schedule::DailyAt { hour_utc: 6 };
/// Retention of responses to an `Idempotency-Key`.
const IDEMPOTENCY_RETENTION: Duration = Duration::from_secs(24 * 3_600);

pub fn scheduler(config: &Config, n: &Notifications, d: &Deliveries) -> Scheduler {
    Scheduler::new(n.db.clone(), n.clock.clone(), all_jobs(config, n, d))
}

fn all_jobs(config: &Config, n: &Notifications, d: &Deliveries) -> Vec<Box<dyn Job>> {
    let keep = RetentionPeriods::from_days(
        config.notifications.retention_days,
        config.realtime.replay_retention_days,
    );
    let days = config.notifications.client_inactive_days;
    vec![
        idempotency_sweep(n.db.clone()),
        connect_tokens_sweep(n.db.clone()),
        activity_partitions(n.db.clone(), config.activity.audit_retention_days),
        notification_job(n, "notifications.summaries", EACH_SECOND, |n, at| async move {
            summary::send_due(&n, at).await
        }),
        notification_job(n, "notifications.snoozes", TEN_SECONDS, |n, at| async move {
            feed::wake_snoozed(&n, at).await
        }),
        notification_job(n, "notifications.expiry", HALF_MINUTE, |n, at| async move {
            feed::expire(&n, at).await
        }),
        notification_job(n, "notifications.digests", HALF_MINUTE, |n, at| async move {
            digest::send_due(&n, at).await
        }),
        notification_job(n, "notifications.retention", DAILY_AT_3_UTC, move |n, at| async move {
            clean(&n.db, keep, at).await
        }),
        alert_on_failures(d.clone()),
        notification_job(n, "clients.inactive", DAILY_AT_6_UTC, move |n, at| async move {
            inactivity::announce_inactive_clients(&n, days, at).await
        }),
    ]
}

/// A job of notifications.
fn notification_job<F, Run>(n: &Notifications, name: &'static str, schedule: Schedule, run: F) -> Box<dyn Job>
where
    F: Fn(Notifications, Timestamp) -> Run + Send + Sync + 'static,
    Run: Future<Output = Result<u64>> + Send + 'static,
{
    let n = n.clone();
    job(name, schedule, move |at| {
        let count = run(n.clone(), at);
        async move { Ok(JobReport { count: count.await? }) }
    })
}

fn alert_on_failures(d: Deliveries) -> Box<dyn Job> {
    job("deliveries.failures", EACH_MINUTE, move |at| {
        let d = d.clone();
        async move { Ok(JobReport { count: failure_alert::alert_on_failures(&d, at).await? }) }
    })
}

fn idempotency_sweep(db: Db) -> Box<dyn Job> {
    job("idempotency.sweep", TEN_MINUTES, move |at| {
        let db = db.clone();
        async move { Ok(JobReport::count(idempotency::delete_older(&db, at.minus(IDEMPOTENCY_RETENTION)).await?)) }
    })
}

fn connect_tokens_sweep(db: Db) -> Box<dyn Job> {
    job("connect_tickets.sweep", TEN_MINUTES, move |at| {
        let db = db.clone();
        async move { Ok(JobReport::count(connect::sweep(&db, at).await?)) }
    })
}

fn activity_partitions(db: Db, keep_days: u32) -> Box<dyn Job> {
    let keep_days = i32::try_from(keep_days).unwrap_or(i32::MAX);
    job("activity.keep", HOURLY, move |_| {
        let db = db.clone();
        async move { activity::derive::maintain_partitions(&db, keep_days).await.map(|()| JobReport::default()) }
    })
}
