//! `guichet migrate`: migrates the database, and creates its roles.

use anyhow::{Context, bail};
use guichet_db::{migrate, roles};
use secrecy::ExposeSecret;

use crate::app::postgres::{DataFolderUse, MIGRATIONS, PostgresServer, connect};
use crate::config::Config;

#[derive(clap::Args)]
pub struct Args {
    /// Revert the last N migrations instead
    #[arg(long, value_name = "N", conflicts_with = "create_roles")]
    down: Option<usize>,
    /// Create guichet's database roles first; DATABASE_OWNER_URL must then be an administrator's. Passwords are taken
    /// from DATABASE_URL and DATABASE_WORKER_URL
    #[arg(long)]
    create_roles: bool,
}

pub fn run(config: &Config, args: &Args) -> anyhow::Result<()> {
    if config.database.is_embedded() {
        if args.down.is_some() || args.create_roles {
            bail!(
                "the embedded database migrates and creates its roles by itself; set DATABASE_URL for another"
            );
        }
        drop(PostgresServer::open(config, DataFolderUse::Share)?);
        println!("the embedded database is up to date");
        return Ok(());
    }
    let url = config.database.owner_url.as_ref().context("DATABASE_OWNER_URL is not set")?;
    let mut conn = connect(url.0.expose_secret(), "DATABASE_OWNER_URL")?;
    if args.create_roles {
        roles::create_or_update(&mut conn)?;
        for url in [&config.database.url, &config.database.worker_url].into_iter().flatten() {
            if let Some((role, password)) = credentials(url.0.expose_secret()) {
                roles::set_password(&mut conn, &role, &password)?;
            }
        }
        println!("roles created");
    }
    let versions = match args.down {
        Some(steps) => {
            (0..steps).map(|_| migrate::down(&mut conn, MIGRATIONS)).collect::<anyhow::Result<_>>()?
        }
        None => migrate::up(&mut conn, MIGRATIONS)?,
    };
    if versions.is_empty() {
        println!("nothing to do");
    }
    for version in versions {
        println!("{} {version}", if args.down.is_some() { "reverted" } else { "applied" });
    }
    Ok(())
}

/// Role and password of a database URL, if it has both and the role name begins with `guichet_`.
fn credentials(url: &str) -> Option<(String, String)> {
    let url = reqwest::Url::parse(url).ok()?;
    let decode = |text: &str| {
        let pair = format!("k={}", text.replace('+', "%2B"));
        serde_urlencoded::from_str::<Vec<(String, String)>>(&pair).ok()?.pop().map(|(_, value)| value)
    };
    let role = decode(url.username()).filter(|role| role.starts_with("guichet_"))?;
    Some((role, decode(url.password()?)?))
}
