//! `guichet notifications`: runs the clean-up jobs now, repairs unpublished notifications, or sends sample ones.

use anyhow::bail;

use super::jobs::with_app;
use crate::app::App;
use crate::config::Config;
use crate::notifications::jobs::{fake, repair};

/// Jobs that `guichet notifications cleanup` runs.
const CLEANUP_JOBS: [&str; 2] = ["notifications.expiry", "notifications.retention"];

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: NotificationsCommand,
}

#[derive(clap::Subcommand)]
enum NotificationsCommand {
    /// Delete what has expired or passed its retention period
    Cleanup,
    /// Send summaries for unpublished notifications, and recount unread ones
    Repair,
    /// Send one person a sample of each category, for app developers
    Fake {
        /// Their email address
        #[arg(long)]
        user: String,
    },
}

pub fn run(config: Config, args: &Args) -> anyhow::Result<()> {
    with_app(config, async |app| match &args.command {
        NotificationsCommand::Cleanup => cleanup(&app).await,
        NotificationsCommand::Repair => {
            let report = repair::repair(&app.notifications).await?;
            println!("people notified by a summary: {}", report.summaries);
            println!("counters corrected: {}", report.corrected_counters);
            Ok(())
        }
        NotificationsCommand::Fake { user } => match fake::send(&app.notifications, user).await? {
            0 => bail!("no user has the email address {user:?}"),
            count => {
                println!("notifications: {count}");
                Ok(())
            }
        },
    })
}

async fn cleanup(app: &App) -> anyhow::Result<()> {
    let job_names = app.scheduler.names();
    for name in CLEANUP_JOBS.into_iter().filter(|name| job_names.contains(name)) {
        match app.scheduler.run_now(name).await? {
            Some(run) => println!("{name}: {}", run.count),
            None => println!("{name}: already running"),
        }
    }
    Ok(())
}
