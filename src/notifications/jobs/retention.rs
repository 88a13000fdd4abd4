//! Deletes old rows, a few thousand at a time, so that no lock and no transaction lasts long.

use std::time::Duration;

use guichet_base::{Result, Timestamp};
use guichet_db::{Db, WorkerTx};

use super::store::retention::{self as store, Aged};

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// Rows per transaction.
const AT_ONCE: i64 = 2_000;
/// Transactions per run and kind: the rest waits for the next day, so that other jobs can run.
const MOST_TURNS: usize = 2_500;
const EVENTS_LAST: Duration = DAY.saturating_mul(30);

/// Retention periods.
#[derive(Debug, Clone, Copy)]
pub struct Keep {
    /// For read and archived notifications, and for deliveries.
    pub dealt_with: Duration,
    /// For deleted notifications: as long as an offline client may ask what happened.
    pub deleted: Duration,
}

impl Keep {
    pub fn days(retention: u32, replay: u32) -> Self {
        Self { dealt_with: DAY.saturating_mul(retention), deleted: DAY.saturating_mul(replay) }
    }
}

type Turn = Box<dyn Fn(&mut WorkerTx<'_>) -> Result<usize> + Send + Sync>;

/// Deletes what is older than its period, and returns the number of rows.
pub async fn clean(db: &Db, keep: Keep, now: Timestamp) -> Result<u64> {
    let old = |kept: Duration| now.minus(kept);
    let aged = |of: Aged, kept: Duration| -> Turn {
        let before = old(kept);
        Box::new(move |tx| store::aged(tx, of, before, AT_ONCE))
    };
    let (dealt_with, deleted, events) = (old(keep.dealt_with), old(keep.deleted), old(EVENTS_LAST));
    let turns: [(&'static str, Turn); 8] = [
        ("notifications", Box::new(move |tx| store::dealt_with(tx, dealt_with, AT_ONCE))),
        ("deleted notifications", Box::new(move |tx| store::deleted(tx, deleted, AT_ONCE))),
        ("deliveries", Box::new(move |tx| store::deliveries(tx, dealt_with, AT_ONCE))),
        ("digests", aged(Aged::Digests, keep.dealt_with)),
        ("events", Box::new(move |tx| store::events(tx, events, AT_ONCE))),
        ("skips", aged(Aged::Skips, EVENTS_LAST)),
        ("rejected events", aged(Aged::Rejected, EVENTS_LAST)),
        ("event keys", aged(Aged::Keys, DAY)),
    ];
    let mut removed = 0;
    for (what, turn) in turns {
        let rows = all(db, turn).await?;
        if rows > 0 {
            tracing::info!(event = "notification.cleanup", what, rows, "old rows were removed");
        }
        removed += rows;
    }
    Ok(removed)
}

async fn all(db: &Db, turn: Turn) -> Result<u64> {
    let turn = std::sync::Arc::new(turn);
    let mut removed = 0;
    for _ in 0..MOST_TURNS {
        let turn = std::sync::Arc::clone(&turn);
        let rows = db.worker(move |tx| turn(tx)).await?;
        removed += u64::try_from(rows).unwrap_or(0);
        if i64::try_from(rows).is_ok_and(|rows| rows < AT_ONCE) {
            break;
        }
    }
    Ok(removed)
}
