//! `guichet notifications`: by hand what the jobs do, and what only a hand asks for.

use anyhow::bail;

use super::jobs::with_app;
use crate::app::App;
use crate::config::Config;
use crate::notifications::jobs::{fake, repair};

/// The jobs that tidy up.
const CLEANING: [&str; 2] = ["notifications.expiry", "notifications.retention"];

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Take away what expired, and what is older than it is kept
    Cleanup,
    /// Tell people what they were not told, and count unread notifications anew
    Repair,
    /// Send one person a sample of each category, for work on an app
    Fake {
        /// Their address
        #[arg(long)]
        user: String,
    },
}

pub fn run(config: Config, args: &Args) -> anyhow::Result<()> {
    with_app(config, async |app| match &args.what {
        What::Cleanup => cleanup(&app).await,
        What::Repair => {
            let done = repair::repair(&app.notifications).await?;
            println!("people told by a summary: {}", done.told);
            println!("counters set right: {}", done.recounted);
            Ok(())
        }
        What::Fake { user } => match fake::send(&app.notifications, user).await? {
            0 => bail!("nobody has the address {user:?}"),
            sent => {
                println!("notifications: {sent}");
                Ok(())
            }
        },
    })
}

async fn cleanup(app: &App) -> anyhow::Result<()> {
    let there = app.scheduler.names();
    for name in CLEANING.into_iter().filter(|name| there.contains(name)) {
        match app.scheduler.run_now(name).await? {
            Some(done) => println!("{name}: {}", done.count),
            None => println!("{name}: runs already"),
        }
    }
    Ok(())
}
