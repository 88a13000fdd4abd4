//! `guichet jobs`: runs a scheduled job now, or lists all jobs.

use std::future::Future;

use anyhow::{Context, bail};
use guichet_base::Clock;

use crate::app::App;
use crate::app::postgres::{DataFolderUse, PostgresServer};
use crate::config::Config;
use crate::jobs::Schedule;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: JobsCommand,
}

#[derive(clap::Subcommand)]
enum JobsCommand {
    /// Run a job now, whether or not it is due, and print how much it processed
    Run { name: String },
    /// List every job, when it is due, and how its last run ended
    List,
}

pub fn run(config: Config, args: &Args) -> anyhow::Result<()> {
    with_app(config, async |app| match &args.command {
        JobsCommand::Run { name } => run_job(&app, name).await,
        JobsCommand::List => print_jobs(&app).await,
    })
}

/// Builds the `App` and runs `work` with it, on the database of a running service or on one started for this command.
/// No background task of the service is started.
pub(super) fn with_app<T, Work>(config: Config, work: impl FnOnce(App) -> Work) -> anyhow::Result<T>
where
    Work: Future<Output = anyhow::Result<T>>,
{
    let postgres = PostgresServer::open(&config, DataFolderUse::Share)?;
    let result = actix_web::rt::System::new().block_on(async {
        let app = App::new(config, &postgres.settings, Clock::system())?;
        let lifecycle = app.lifecycle.clone();
        let result = work(app).await;
        lifecycle.stop(std::time::Duration::from_secs(5)).await;
        result
    });
    let stopped = postgres.stop();
    let value = result?;
    stopped.map(|()| value)
}

async fn run_job(app: &App, name: &str) -> anyhow::Result<()> {
    let names = app.scheduler.names();
    if !names.contains(&name) {
        bail!("there is no job {name:?}; there are: {}", names.join(", "));
    }
    match app.scheduler.run_now(name).await.with_context(|| format!("{name} failed"))? {
        Some(run) => println!("{name}: {}", run.count),
        None => println!("{name}: already running"),
    }
    Ok(())
}

async fn print_jobs(app: &App) -> anyhow::Result<()> {
    for job in app.scheduler.list().await? {
        let last_run = match (&job.outcome, job.finished_at) {
            (Some(outcome), Some(at)) => format!("{outcome} at {at}: {}", job.message.unwrap_or_default()),
            _ => "never ran".to_owned(),
        };
        let state = match job.running_since {
            Some(since) => format!("running since {since}"),
            None => format!("due at {}", job.due_at),
        };
        println!("{:<28} {:<16} {state}; {last_run}", job.name, describe_schedule(job.schedule));
    }
    Ok(())
}

fn describe_schedule(schedule: Schedule) -> String {
    match schedule {
        Schedule::Every(period) => format!("every {} s", period.as_secs()),
        Schedule::DailyAt { hour_utc } => format!("daily {hour_utc:02}:00 UTC"),
    }
}
