//! Deletes old rows, a few thousand at a time, so that no lock and no transaction lasts long.

use std::time::Duration;

use guichet_base::{Result, Timestamp};
use guichet_db::{Db, WorkerTx};

use super::store::retention::{self as store, RetainedTable};

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// Rows per transaction.
const ROWS_PER_TRANSACTION: i64 = 2_000;
/// Maximum transactions per run and table. The next daily run continues, so that other jobs are not delayed.
const MAX_TRANSACTIONS: usize = 2_500;
const EVENT_RETENTION: Duration = DAY.saturating_mul(30);

/// Retention periods.
#[derive(Debug, Clone, Copy)]
pub struct RetentionPeriods {
    /// For read and archived notifications, and for deliveries.
    pub processed: Duration,
    /// For deleted notifications: as long as events are replayed to clients that were offline.
    pub deleted: Duration,
}

impl RetentionPeriods {
    pub fn from_days(retention: u32, replay: u32) -> Self {
        Self { processed: DAY.saturating_mul(retention), deleted: DAY.saturating_mul(replay) }
    }
}

type DeleteBatch = Box<dyn Fn(&mut WorkerTx<'_>) -> Result<usize> + Send + Sync>;

/// Deletes rows older than their retention period, and returns their number.
pub async fn clean(db: &Db, periods: RetentionPeriods, now: Timestamp) -> Result<u64> {
    let cutoff = |kept: Duration| now.minus(kept);
    let aged = |table: RetainedTable, kept: Duration| -> DeleteBatch {
        let before = cutoff(kept);
        Box::new(move |tx| store::delete_by_age(tx, table, before, ROWS_PER_TRANSACTION))
    };
    let (dealt_with, deleted, events) =
        (cutoff(periods.processed), cutoff(periods.deleted), cutoff(EVENT_RETENTION));
    let deletions: [(&'static str, DeleteBatch); 8] = [
        (
            "notifications",
            Box::new(move |tx| store::delete_read_or_hidden(tx, dealt_with, ROWS_PER_TRANSACTION)),
        ),
        (
            "deleted notifications",
            Box::new(move |tx| store::purge_deleted(tx, deleted, ROWS_PER_TRANSACTION)),
        ),
        ("deliveries", Box::new(move |tx| store::delete_deliveries(tx, dealt_with, ROWS_PER_TRANSACTION))),
        ("digests", aged(RetainedTable::Digests, periods.processed)),
        ("events", Box::new(move |tx| store::delete_events(tx, events, ROWS_PER_TRANSACTION))),
        ("skips", aged(RetainedTable::Skips, EVENT_RETENTION)),
        ("rejected events", aged(RetainedTable::Rejected, EVENT_RETENTION)),
        ("event keys", aged(RetainedTable::Keys, DAY)),
    ];
    let mut removed = 0;
    for (table, delete_batch) in deletions {
        let rows = delete_all(db, delete_batch).await?;
        if rows > 0 {
            tracing::info!(
                event = "notification.cleanup",
                table,
                rows,
                "deleted rows older than their retention period"
            );
        }
        removed += rows;
    }
    Ok(removed)
}

async fn delete_all(db: &Db, delete_batch: DeleteBatch) -> Result<u64> {
    let turn = std::sync::Arc::new(delete_batch);
    let mut removed = 0;
    for _ in 0..MAX_TRANSACTIONS {
        let turn = std::sync::Arc::clone(&turn);
        let rows = db.worker(move |tx| turn(tx)).await?;
        removed += u64::try_from(rows).unwrap_or(0);
        if i64::try_from(rows).is_ok_and(|rows| rows < ROWS_PER_TRANSACTION) {
            break;
        }
    }
    Ok(removed)
}
