//! Every job of the clock, one line each. `docs/operations.md` tells of them.

use std::time::Duration;

use crate::activity;
use crate::config::Config;
use crate::db::Db;
use crate::identity::connect;
use crate::jobs::{Done, Job, Schedule, Scheduler, job};
use crate::notifications::Notifications;
use crate::web::idempotency;

const TEN_MINUTES: Schedule = Schedule::Every(Duration::from_secs(600));
const HOURLY: Schedule = Schedule::Every(Duration::from_secs(3_600));
/// How long the answer to an `Idempotency-Key` is kept.
const KEYS_LAST: Duration = Duration::from_secs(24 * 3_600);

pub fn scheduler(config: &Config, n: &Notifications) -> Scheduler {
    Scheduler::new(n.db.clone(), n.clock.clone(), all(config, n))
}

fn all(config: &Config, n: &Notifications) -> Vec<Box<dyn Job>> {
    vec![
        idempotency_sweep(n.db.clone()),
        connect_tickets_sweep(n.db.clone()),
        activity_keep(n.db.clone(), config.activity.audit_retention_days),
    ]
}

fn idempotency_sweep(db: Db) -> Box<dyn Job> {
    job("idempotency.sweep", TEN_MINUTES, move |at| {
        let db = db.clone();
        async move { Ok(Done::count(idempotency::sweep(&db, at.minus(KEYS_LAST)).await?)) }
    })
}

fn connect_tickets_sweep(db: Db) -> Box<dyn Job> {
    job("connect_tickets.sweep", TEN_MINUTES, move |at| {
        let db = db.clone();
        async move { Ok(Done::count(connect::sweep(&db, at).await?)) }
    })
}

fn activity_keep(db: Db, keep_days: u32) -> Box<dyn Job> {
    let keep_days = i32::try_from(keep_days).unwrap_or(i32::MAX);
    job("activity.keep", HOURLY, move |_| {
        let db = db.clone();
        async move { activity::derive::keep(&db, keep_days).await.map(|()| Done::default()) }
    })
}
