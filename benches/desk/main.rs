//! `make bench`: what guichet costs, compared with what the same work costs without it.
//!
//! - Every figure is a ratio to a baseline measured in the same run: `pgbench` with the statements that guichet
//!   sends, `send()` to as many sockets, an empty actix handler. Absolute times are comparable within one run only.
//! - The service is a separate process with its own PostgreSQL, fsync on, and a million messages.
//! - Receivers check what they get: a gap, a duplicate, a wrong order or wrong content voids the figure, and the run
//!   fails. A missed goal is printed and fails nothing, since machines differ.
//!
//! `BENCH_SCALE=small` is for small machines; `BENCH_ONLY=read,send` runs some parts.

mod baseline;
mod capture;
mod crowd;
mod fanout;
mod http;
mod idle;
mod joins;
mod load;
mod minimal_client;
mod notify;
mod pgbench;
mod read;
mod report;
mod returning;
mod scale;
mod send;
mod service;
mod socket;
mod stalled;
mod start;
mod times;
mod world;

use std::process::ExitCode;

use anyhow::{Context, Result};

use self::report::Report;
use self::scale::Scale;
use self::service::Folder;
use self::world::World;

fn main() -> ExitCode {
    let mut report = Report::default();
    // One thread: the load generator must leave the processors to the service.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("bench: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(&mut report)) {
        Ok(()) if report.is_whole() => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(report: &mut Report) -> Result<()> {
    baseline::raise_file_limit()?;
    let folder = Folder::make()?;
    scenarios(report, &folder).await.with_context(|| folder.log())
}

async fn scenarios(report: &mut Report, folder: &Folder) -> Result<()> {
    let scale = Scale::of_environment();
    let only = std::env::var("BENCH_ONLY").unwrap_or_default();
    let wanted = |name: &str| only.is_empty() || only.split(',').any(|word| word == name);
    report.conditions(&scale);
    let world = World::make(folder, &scale).await.context("the data could not be made")?;
    let mut service = start::run(report, folder).await.context("start")?;
    baseline::run(report, &service, &scale).await.context("floors")?;
    if wanted("idle") {
        idle::run(report, &service, &world, &scale).await.context("idle connections")?;
        service = service.restart(folder).await?;
    }
    if wanted("send") {
        send::run(report, &service, &world, &scale).await.context("durable send")?;
    }
    if wanted("read") {
        read::run(report, &service, &world, &scale).await.context("reads")?;
    }
    if wanted("fanout") {
        fanout::run(report, &service, &world, &scale).await.context("fan-out")?;
    }
    if wanted("joins") {
        joins::run(report, &service, &world, &scale).await.context("joins")?;
    }
    if wanted("stalled") {
        stalled::run(report, &service, &world, &scale).await.context("slow reader")?;
    }
    if ["events", "audience", "feed"].into_iter().any(wanted) {
        service =
            notify::run(report, service, folder, &world, &scale, wanted).await.context("notifications")?;
    }
    if wanted("returning") {
        service = returning::run(report, service, folder, &world, &scale).await.context("return of all")?;
    }
    service.stop().await?;
    report.verdict();
    Ok(())
}
