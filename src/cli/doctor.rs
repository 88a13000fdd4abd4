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
        Finding { check: "configuration", result: Ok(configuration_summary(&config)) },
        Finding { check: "data folder", result: check_data_dir(&config) },
        Finding { check: "database", result: check_database(&config) },
        Finding { check: "redis", result: check_redis(&config) },
        Finding { check: "tokens", result: check_tokens(&config) },
        Finding { check: "address", result: check_address(&config) },
    ];
    let mut code = ExitCode::SUCCESS;
    for Finding { check, result } in findings {
        match result {
            Ok(summary) => println!("✓ {check}: {summary}"),
            Err(error) => {
                code = ExitCode::FAILURE;
                println!("✗ {check}: {error:#}");
            }
        }
    }
    Ok(code)
}

fn configuration_summary(config: &Config) -> String {
    if config.warnings.is_empty() { "no warnings".to_owned() } else { config.warnings.join("; ") }
}

fn check_data_dir(config: &Config) -> anyhow::Result<String> {
    let dir = &config.server.data_dir;
    std::fs::create_dir_all(dir)?;
    let probe = dir.join(".doctor");
    std::fs::write(&probe, b"")?;
    std::fs::remove_file(&probe)?;
    Ok(format!("{} is writable", dir.display()))
}

fn check_database(config: &Config) -> anyhow::Result<String> {
    let (Some(app), Some(worker)) = (&config.database.url, &config.database.worker_url) else {
        let is_running = embedded::Cluster::connect_running(&config.server.data_dir)?.is_some();
        let postgres = PostgresServer::open(config, DataFolderUse::Share)?;
        postgres.stop()?;
        return Ok(if is_running {
            "embedded, running"
        } else {
            "embedded, started and stopped successfully"
        }
        .to_owned());
    };
    for (url, name) in [(app, "DATABASE_URL"), (worker, "DATABASE_WORKER_URL")] {
        roles::require_unprivileged(&mut connect(url.0.expose_secret(), name)?)?;
    }
    PostgresServer::open(config, DataFolderUse::Share)?;
    Ok("reachable with both roles; schema up to date".to_owned())
}

fn check_redis(config: &Config) -> anyhow::Result<String> {
    let Some(url) = &config.redis.url else {
        return Ok("not configured: events arrive over HTTP only (REDIS_URL)".to_owned());
    };
    // The URL may contain a password and must not be printed.
    let client = redis::Client::open(url.0.expose_secret())?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(crate::notifications::intake::ping(&client))
        .context("Redis is not reachable at REDIS_URL")?;
    Ok(format!(
        "reachable; events are read from {}{}",
        config.redis.prefix,
        crate::notifications::intake::BASE_NAME
    ))
}

fn check_tokens(config: &Config) -> anyhow::Result<String> {
    let secret = config.tokens.hs256_secret(&config.server.data_dir)?;
    TokenVerifier::new(&config.tokens, secret.as_ref(), Clock::system())?;
    Ok(match (&config.tokens.jwks_url, secret) {
        (Some(url), _) => format!("keys from {}", url.host_str().unwrap_or("the identity provider")),
        (None, Some(_)) => "HS256 secret".to_owned(),
        (None, None) => "no key: no token can be verified".to_owned(),
    })
}

fn check_address(config: &Config) -> anyhow::Result<String> {
    let bind = config.server.bind;
    match TcpListener::bind(bind) {
        Ok(_) => Ok(format!("{bind} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            Ok(format!("{bind} is in use: by guichet if it is running, otherwise set BIND"))
        }
        Err(error) => Err(error.into()),
    }
}
