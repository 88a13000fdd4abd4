//! `pgbench` and related programs, from the folder of the running server.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl};
use guichet_db::embedded::LoginRole;
use tokio::process::Command;

use crate::service::{DATABASE, Service};
use crate::times::Times;

/// The work for `pgbench`.
pub struct Work<'a> {
    /// One per transaction; each client has its own share.
    pub scripts: &'a [String],
    pub role: LoginRole,
    pub connections: usize,
    pub lasts: Duration,
    /// Transactions per second; `None` means as fast as possible.
    pub rate: Option<u32>,
}

pub struct PgbenchResult {
    pub per_second: f64,
    pub times: Times,
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    setting: String,
}

/// The folder of the running server's programs.
pub fn programs(service: &Service) -> Result<PathBuf> {
    let mut admin = PgConnection::establish(&service.admin_url())?;
    let row: Setting =
        diesel::sql_query("SELECT setting FROM pg_config WHERE name = 'BINDIR'").get_result(&mut admin)?;
    Ok(row.setting.into())
}

pub async fn run(service: &Service, work: &Work<'_>) -> Result<PgbenchResult> {
    let folder = service.postgres_log.with_file_name("pgbench");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("script.sql"), choice(work))?;
    let mut command = Command::new(programs(service)?.join("pgbench"));
    command
        .current_dir(&folder)
        .args([
            "--no-vacuum",
            "--protocol=prepared",
            "--jobs=1",
            "--file=script.sql",
            "--log",
            "--log-prefix=times",
        ])
        .args(["--client", &work.connections.to_string(), "--time", &work.lasts.as_secs().max(1).to_string()])
        .arg(service.cluster.url(work.role, DATABASE));
    if let Some(rate) = work.rate {
        command.args(["--rate", &rate.to_string()]);
    }
    let output = command.output().await.context("pgbench could not be started")?;
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() && !said.contains("aborted"), "pgbench failed:\n{said}");
    let per_second =
        said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    let floor =
        PgbenchResult { per_second: per_second.with_context(|| said.clone())?, times: times(&folder)? };
    fs::remove_dir_all(&folder)?;
    Ok(floor)
}

/// Each client picks randomly from its own share of the scripts, so that clients do not wait for one another where a
/// script locks a row.
fn choice(work: &Work<'_>) -> String {
    let share = (work.scripts.len() / work.connections).max(1);
    let last = work.scripts.len() - 1;
    let mut text = format!("\\set pick least(:client_id * {share} + random(0, {share} - 1), {last})\n");
    for (number, script) in work.scripts.iter().enumerate() {
        text.push_str(&format!("\\{} :pick = {number}\n{script}", if number == 0 { "if" } else { "elif" }));
    }
    text + "\\endif\n"
}

/// The third field of each line of the logs: microseconds.
fn times(folder: &Path) -> Result<Times> {
    let mut times = Times::default();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with("times") {
            continue;
        }
        for line in fs::read_to_string(entry.path())?.lines() {
            if let Some(micros) = line.split(' ').nth(2).and_then(|word| word.parse().ok()) {
                times.push(Duration::from_micros(micros));
            }
        }
    }
    Ok(times)
}

/// `fdatasync` operations per second, which PostgreSQL calls at each commit.
pub async fn fsyncs_per_second(service: &Service) -> Result<f64> {
    let file = service.postgres_log.with_file_name("fsync");
    let mut command = Command::new(programs(service)?.join("pg_test_fsync"));
    let output = command.args(["--secs-per-test=1", "--filename"]).arg(&file).output().await?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let line =
        said.lines().find(|line| line.trim_start().starts_with("fdatasync")).context("no fdatasync")?;
    let rate = line.split_whitespace().find_map(|word| word.parse().ok());
    rate.context("pg_test_fsync measured nothing")
}
