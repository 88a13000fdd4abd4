//! `guichet jobs`.

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
        JobsCommand::Run { name } => run_one(&app, name).await,
        JobsCommand::List => list(&app).await,
    })
}

/// Runs `work` with the parts of the service, on the database of a running service, or one that is started for it.
/// The background tasks of the service do not run.
pub(super) fn with_app<T, Work>(config: Config, work: impl FnOnce(App) -> Work) -> anyhow::Result<T>
where
    Work: Future<Output = anyhow::Result<T>>,
{
    let engine = PostgresServer::open(&config, DataFolderUse::Share)?;
    let done = actix_web::rt::System::new().block_on(async {
        let app = App::new(config, &engine.settings, Clock::system())?;
        let lifecycle = app.lifecycle.clone();
        let done = work(app).await;
        lifecycle.stop(std::time::Duration::from_secs(5)).await;
        done
    });
    let stopped = engine.stop();
    let done = done?;
    stopped.map(|()| done)
}

async fn run_one(app: &App, name: &str) -> anyhow::Result<()> {
    let names = app.scheduler.names();
    if !names.contains(&name) {
        bail!("there is no job {name:?}; there are: {}", names.join(", "));
    }
    match app.scheduler.run_now(name).await.with_context(|| format!("{name} failed"))? {
        Some(done) => println!("{name}: {}", done.count),
        None => println!("{name}: runs already"),
    }
    Ok(())
}

async fn list(app: &App) -> anyhow::Result<()> {
    for job in app.scheduler.list().await? {
        let last = match (&job.outcome, job.finished_at) {
            (Some(outcome), Some(at)) => format!("{outcome} at {at}: {}", job.message.unwrap_or_default()),
            _ => "never ran".to_owned(),
        };
        let state = match job.running_since {
            Some(since) => format!("running since {since}"),
            None => format!("due at {}", job.due_at),
        };
        println!("{:<28} {:<16} {state}; {last}", job.name, describe_schedule(job.schedule));
    }
    Ok(())
}

fn describe_schedule(schedule: Schedule) -> String {
    match schedule {
        Schedule::Every(period) => format!("every {} s", period.as_secs()),
        Schedule::DailyAt { hour_utc } => format!("daily {hour_utc:02}:00 UTC"),
    }
}
