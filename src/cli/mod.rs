//! The command line. Each command prints its result to standard output, and logs to standard error.

mod asyncapi;
mod config;
mod doctor;
mod jobs;
mod migrate;
mod notifications;
mod openapi;
mod seed;
mod serve;
mod token;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Config;
use crate::telemetry;

/// Backend between a business and its customers: chat, presence, notifications, tickets and meetings.
#[derive(Parser)]
#[command(name = "guichet", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the service until it is stopped
    Serve(serve::Args),
    /// Migrate the database to the schema of this version
    Migrate(migrate::Args),
    /// Create or restore the demo tenant; prints its people, with tokens valid for a day
    Seed(seed::Args),
    /// Create a token, for development and operations
    Token(token::Args),
    /// Run a scheduled job now, or list them all
    Jobs(jobs::Args),
    /// Clean up or repair notifications, or send sample ones
    Notifications(notifications::Args),
    /// Print the configuration, secrets masked
    Config(config::Args),
    /// Print the API description (openapi.yaml)
    Openapi,
    /// Print the WebSocket API description (asyncapi.yaml)
    Asyncapi,
    /// Check the configuration, PostgreSQL, Redis, tokens and address, and suggest corrections
    Doctor,
}

/// Parses the command line, runs the command, and returns the exit code: 0 success, 1 failure, 2 wrong usage.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("guichet: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    // Installs the process-wide TLS crypto provider, since reqwest is built without one.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        anyhow::bail!("another TLS provider is installed already");
    }
    match command {
        Command::Openapi => openapi::run()?,
        Command::Asyncapi => asyncapi::run()?,
        Command::Config(args) => config::run(&args)?,
        Command::Serve(args) => serve::run(load_config()?, &args)?,
        Command::Migrate(args) => migrate::run(&load_config()?, &args)?,
        Command::Seed(args) => seed::run(&load_config()?, &args)?,
        Command::Jobs(args) => jobs::run(load_config()?, &args)?,
        Command::Notifications(args) => notifications::run(load_config()?, &args)?,
        Command::Token(args) => token::run(&load_config()?, &args)?,
        Command::Doctor => return doctor::run(),
    }
    Ok(ExitCode::SUCCESS)
}

/// Loads the configuration, starts logging, and logs the warnings of the configuration.
fn load_config() -> anyhow::Result<Config> {
    let config = Config::from_env()?;
    telemetry::logs::install(&config.logs);
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    Ok(config)
}
