//! `guichet notifications`: runs clean-up jobs now, and commands that no job runs.

use anyhow::bail;

use super::jobs::with_app;
use crate::app::App;
use crate::config::Config;
use crate::notifications::jobs::{fake, repair};

/// The clean-up jobs.
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
            let done = repair::repair(&app.notifications).await?;
            println!("people told by a summary: {}", done.told);
            println!("counters set right: {}", done.recounted);
            Ok(())
        }
        NotificationsCommand::Fake { user } => match fake::send(&app.notifications, user).await? {
            0 => bail!("no user has the address {user:?}"),
            sent => {
                println!("notifications: {sent}");
                Ok(())
            }
        },
    })
}

async fn cleanup(app: &App) -> anyhow::Result<()> {
    let there = app.scheduler.names();
    for name in CLEANUP_JOBS.into_iter().filter(|name| there.contains(name)) {
        match app.scheduler.run_now(name).await? {
            Some(done) => println!("{name}: {}", done.count),
            None => println!("{name}: runs already"),
        }
    }
    Ok(())
}
