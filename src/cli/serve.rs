//! `guichet serve`.

use anyhow::Context;
use guichet_base::Clock;

use crate::app::postgres::{DataFolderUse, PostgresServer};
use crate::app::{self, App, demo};
use crate::config::Config;
use crate::telemetry;

#[derive(clap::Args)]
pub struct Args {
    /// Create the demo tenant, and print tokens and curl lines to try it with
    #[arg(long)]
    demo: bool,
}

pub fn run(config: Config, args: &Args) -> anyhow::Result<()> {
    telemetry::metrics::install()?;
    // Before the runtime, because starting an embedded server blocks.
    let engine = PostgresServer::open(&config, DataFolderUse::Own)?;
    let served = actix_web::rt::System::new().block_on(serve(config, args.demo, &engine));
    let stopped = engine.stop();
    served.and(stopped)
}

async fn serve(config: Config, with_demo: bool, engine: &PostgresServer) -> anyhow::Result<()> {
    let clock = Clock::system();
    let public_url = config.server.clone();
    let tokens = config.tokens.clone();
    let data_dir = config.server.data_dir.clone();
    let app = App::new(config, &engine.settings, clock.clone())?;
    let demo = if with_demo {
        Some(demo::create_or_restore(&app.db, &tokens, &data_dir, &clock).await?)
    } else {
        None
    };
    let running = app::start(app)?;
    let url = public_url.public_url(running.address);
    tracing::info!(address = %running.address, "guichet is ready on {url}");
    if let Some(demo) = demo {
        print!("{}", demo.quick_start(&url));
    }
    let why = app::shutdown_signal().await.context("signals cannot be heard")?;
    tracing::info!(signal = why, "stopping");
    running.stop().await
}
