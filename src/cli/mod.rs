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

/// The desk between a business and its customers: chat, presence, notifications, tickets and meetings in one backend.
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
    /// Clean up, repair or fake notifications
    Notifications(notifications::Args),
    /// Print the configuration, secrets masked
    Config(config::Args),
    /// Print the API description (openapi.yaml)
    Openapi,
    /// Print the description of the sockets (asyncapi.yaml)
    Asyncapi,
    /// Check every engine and setting, and suggest corrections
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
    // Installs the crypto provider of the process: reqwest is built without one.
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

/// The configuration in force; oddities are logged.
fn load_config() -> anyhow::Result<Config> {
    let config = Config::from_env()?;
    telemetry::logs::install(&config.logs);
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    Ok(config)
}
