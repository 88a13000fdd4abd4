//! `guichet doctor`: checks the installation and suggests corrections.

use std::net::TcpListener;
use std::process::ExitCode;

use anyhow::Context as _;
use guichet_base::Clock;
use guichet_db::{embedded, roles};
use secrecy::ExposeSecret;

use crate::app::postgres::{DataFolderUse, PostgresServer, connect};
use crate::auth::TokenVerifier;
use crate::config::Config;

/// The result of one check.
struct Finding {
    check: &'static str,
    result: anyhow::Result<String>,
}

pub fn run() -> anyhow::Result<ExitCode> {
    let config = match Config::from_env() {
        Ok(config) => config,
        Err(faults) => {
            println!("✗ configuration\n{faults}");
            return Ok(ExitCode::FAILURE);
        }
    };
    let findings = [
        Finding { check: "configuration", result: Ok(warnings(&config)) },
        Finding { check: "data folder", result: data_dir(&config) },
        Finding { check: "database", result: database(&config) },
        Finding { check: "redis", result: redis(&config) },
        Finding { check: "tokens", result: tokens(&config) },
        Finding { check: "address", result: address(&config) },
    ];
    let mut code = ExitCode::SUCCESS;
    for Finding { check: what, result } in findings {
        match result {
            Ok(said) => println!("✓ {what}: {said}"),
            Err(error) => {
                code = ExitCode::FAILURE;
                println!("✗ {what}: {error:#}");
            }
        }
    }
    Ok(code)
}

fn warnings(config: &Config) -> String {
    if config.warnings.is_empty() { "nothing odd".to_owned() } else { config.warnings.join("; ") }
}

fn data_dir(config: &Config) -> anyhow::Result<String> {
    let dir = &config.server.data_dir;
    std::fs::create_dir_all(dir)?;
    let probe = dir.join(".doctor");
    std::fs::write(&probe, b"")?;
    std::fs::remove_file(&probe)?;
    Ok(format!("{} can be written", dir.display()))
}

fn database(config: &Config) -> anyhow::Result<String> {
    let (Some(app), Some(worker)) = (&config.database.url, &config.database.worker_url) else {
        let is_running = embedded::Cluster::connect_running(&config.server.data_dir)?.is_some();
        let engine = PostgresServer::open(config, DataFolderUse::Share)?;
        engine.stop()?;
        return Ok(if is_running { "embedded, running" } else { "embedded, starts and stops" }.to_owned());
    };
    for (url, name) in [(app, "DATABASE_URL"), (worker, "DATABASE_WORKER_URL")] {
        roles::require_unprivileged(&mut connect(url.0.expose_secret(), name)?)?;
    }
    PostgresServer::open(config, DataFolderUse::Share)?;
    Ok("reached with both roles, schema up to date".to_owned())
}

fn redis(config: &Config) -> anyhow::Result<String> {
    let Some(url) = &config.redis.url else {
        return Ok("not used: events come over HTTP alone (REDIS_URL)".to_owned());
    };
    // The URL may contain a password and must not be printed.
    let client = redis::Client::open(url.0.expose_secret())?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(crate::notifications::intake::ping(&client))
        .context("Redis could not be reached by REDIS_URL")?;
    Ok(format!(
        "reached; events are taken from {}{}",
        config.redis.prefix,
        crate::notifications::intake::NAME
    ))
}

fn tokens(config: &Config) -> anyhow::Result<String> {
    let secret = config.tokens.hs256_secret(&config.server.data_dir)?;
    TokenVerifier::new(&config.tokens, secret.as_ref(), Clock::system())?;
    Ok(match (&config.tokens.jwks_url, secret) {
        (Some(url), _) => format!("keys of {}", url.host_str().unwrap_or("the identity provider")),
        (None, Some(_)) => "a secret".to_owned(),
        (None, None) => "none can be verified".to_owned(),
    })
}

fn address(config: &Config) -> anyhow::Result<String> {
    let bind = config.server.bind;
    match TcpListener::bind(bind) {
        Ok(_) => Ok(format!("{bind} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            Ok(format!("{bind} is in use: by guichet, if it runs; else set BIND"))
        }
        Err(error) => Err(error.into()),
    }
}
