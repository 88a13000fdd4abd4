//! `guichet serve`: runs the service until it is stopped.

use anyhow::Context;
use guichet_base::Clock;

use crate::app::postgres::{DataFolderUse, PostgresServer};
use crate::app::{self, App, demo};
use crate::config::Config;
use crate::telemetry;

#[derive(clap::Args)]
pub struct Args {
    /// Create the demo tenant, and print tokens and sample curl commands
    #[arg(long)]
    demo: bool,
}

pub fn run(config: Config, args: &Args) -> anyhow::Result<()> {
    telemetry::metrics::install()?;
    // Before the runtime, because starting an embedded server blocks.
    let postgres = PostgresServer::open(&config, DataFolderUse::Own)?;
    let serve_result = actix_web::rt::System::new().block_on(serve(config, args.demo, &postgres));
    let stop_result = postgres.stop();
    serve_result.and(stop_result)
}

async fn serve(config: Config, with_demo: bool, postgres: &PostgresServer) -> anyhow::Result<()> {
    let clock = Clock::system();
    let server_config = config.server.clone();
    let tokens = config.tokens.clone();
    let data_dir = config.server.data_dir.clone();
    let app = App::new(config, &postgres.settings, clock.clone())?;
    let demo = if with_demo {
        Some(demo::create_or_restore(&app.db, &tokens, &data_dir, &clock).await?)
    } else {
        None
    };
    let running = app::start(app)?;
    let url = server_config.public_url(running.address);
    tracing::info!(address = %running.address, "guichet is ready on {url}");
    if let Some(demo) = demo {
        print!("{}", demo.quick_start(&url));
    }
    let signal = app::shutdown_signal().await.context("failed to listen for signals")?;
    tracing::info!(signal = signal, "stopping");
    running.stop().await
}
