//! The rows of `scheduled_jobs`: the lease of each job.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use guichet_base::{Result, Timestamp};
use guichet_db::WorkerTx;
use guichet_db::sql::sql;

#[derive(Debug, Clone, QueryableByName)]
pub struct JobRow {
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Timestamptz)]
    pub due_at: Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub lease_until: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub started_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub finished_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    pub outcome: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub said: Option<String>,
}

pub fn load(tx: &mut WorkerTx<'_>, names: Vec<String>) -> Result<Vec<JobRow>> {
    let text = "SELECT name, due_at, lease_until, started_at, finished_at, outcome, said \
         FROM scheduled_jobs WHERE name = ANY ($1) ORDER BY name";
    Ok(sql(text).bind(names).load(tx.conn())?)
}

/// Creates the row of a job.
pub fn insert(tx: &mut WorkerTx<'_>, name: &str, due: Timestamp) -> Result<()> {
    let text = "INSERT INTO scheduled_jobs (name, due_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    sql(text).bind(name).bind(due).execute(tx.conn())?;
    Ok(())
}

#[derive(QueryableByName)]
struct LeaseTokenRow {
    #[diesel(sql_type = SqlUuid)]
    lease_token: Uuid,
}

// Conditional on the row as it was read: of several processes that saw it free, the first takes it, and one that saw
// it due does not take it after it was done.
const CLAIM: &str = "
    UPDATE scheduled_jobs SET lease_token = $4, lease_until = $3, started_at = $5
     WHERE name = (SELECT name FROM scheduled_jobs
                    WHERE name = $1 AND ($2::timestamptz IS NULL OR due_at = $2) AND lease_until IS NOT DISTINCT FROM $6 FOR UPDATE SKIP LOCKED)
    RETURNING lease_token";

/// Takes the run of `row` that is due at `due`, or any run if `due` is `None`. Returns `None` if another process was
/// first.
pub fn claim(
    tx: &mut WorkerTx<'_>,
    row: &JobRow,
    due: Option<Timestamp>,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<Uuid>> {
    let taken: Option<LeaseTokenRow> = sql(CLAIM)
        .bind(row.name.as_str())
        .bind(due)
        .bind(until)
        .bind(Uuid::new_v4())
        .bind(now)
        .bind(row.lease_until)
        .get_result(tx.conn())
        .optional()?;
    Ok(taken.map(|row| row.lease_token))
}

/// Renews the lease. Returns whether the token still holds the run.
pub fn renew(tx: &mut WorkerTx<'_>, name: &str, token: Uuid, until: Timestamp) -> Result<bool> {
    let text = "UPDATE scheduled_jobs SET lease_until = $3 WHERE name = $1 AND lease_token = $2";
    Ok(sql(text).bind(name).bind(token).bind(until).execute(tx.conn())? == 1)
}

/// How a run ended.
pub struct RunEnd {
    pub outcome: &'static str,
    pub message: String,
    pub finished_at: Timestamp,
    pub due_at: Timestamp,
}

const FINISH: &str = "
    UPDATE scheduled_jobs SET lease_token = NULL, lease_until = NULL, finished_at = $3, outcome = $4, said = $5,
           due_at = $6
     WHERE name = $1 AND lease_token = $2";

/// Records how a run ended, if the token still holds it. Returns whether it does.
pub fn finish(tx: &mut WorkerTx<'_>, name: &str, token: Uuid, end: &RunEnd) -> Result<bool> {
    let said: String = end.message.chars().take(500).collect();
    let ended = sql(FINISH)
        .bind(name)
        .bind(token)
        .bind(end.finished_at)
        .bind(end.outcome)
        .bind(said)
        .bind(end.due_at)
        .execute(tx.conn())?;
    Ok(ended == 1)
}

/// Releases unfinished runs, so that other processes need not wait for the leases to expire.
pub fn release(tx: &mut WorkerTx<'_>, tokens: Vec<Uuid>) -> Result<()> {
    let text =
        "UPDATE scheduled_jobs SET lease_token = NULL, lease_until = NULL WHERE lease_token = ANY ($1)";
    sql(text).bind(tokens).execute(tx.conn())?;
    Ok(())
}
