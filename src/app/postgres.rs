//! The PostgreSQL of the process: embedded, or the one that the configuration names. It is migrated to this version's
//! schema before anything connects to it.

use std::time::Duration;

use anyhow::{Context, bail};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use guichet_db::embedded::{self, Cluster, LoginRole};
use guichet_db::{self, migrate, roles};
use secrecy::ExposeSecret;

use crate::config::{Config, DatabaseUrl};

/// The schema of this version, compiled in.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!();
/// The database inside the embedded server.
const NAME: &str = "guichet";
/// How long a request waits for a connection.
const WAIT: Duration = Duration::from_secs(2);
/// Connections that the embedded server allows: both pools, commands, and people with psql.
const EMBEDDED_CONNECTIONS: u16 = 100;

/// A ready PostgreSQL, and the URLs of the service's roles. An embedded server that this process started stops with
/// it.
pub struct PostgresServer {
    cluster: Option<Cluster>,
    pub settings: guichet_db::DbSettings,
}

/// How the process uses the data folder of the embedded server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum DataFolderUse {
    /// The service: it owns the server, and a second service on the same folder is refused.
    Own,
    /// A command: it uses the server of a running service, or starts one for itself.
    Share,
}

impl PostgresServer {
    /// Blocks until the database is reachable and migrated.
    pub fn open(config: &Config, claim: DataFolderUse) -> anyhow::Result<Self> {
        let database = &config.database;
        match (&database.url, &database.worker_url) {
            (Some(app), Some(worker)) => Self::given(config, app, worker),
            _ => Self::embedded(config, claim),
        }
    }

    fn given(config: &Config, app: &DatabaseUrl, worker: &DatabaseUrl) -> anyhow::Result<Self> {
        if let Some(owner) = &config.database.owner_url {
            report(&migrate::up(&mut connect(owner.0.expose_secret(), "DATABASE_OWNER_URL")?, MIGRATIONS)?);
        }
        for (url, name) in [(app, "DATABASE_URL"), (worker, "DATABASE_WORKER_URL")] {
            roles::refuse_powerful(&mut connect(url.0.expose_secret(), name)?)?;
        }
        let mut conn = connect(app.0.expose_secret(), "DATABASE_URL")?;
        if !schema_present(&mut conn)? {
            bail!("the database has no tables yet: run `guichet migrate` with DATABASE_OWNER_URL set");
        }
        let settings = settings(config, app.0.expose_secret(), worker.0.expose_secret());
        Ok(Self { cluster: None, settings })
    }

    fn embedded(config: &Config, claim: DataFolderUse) -> anyhow::Result<Self> {
        let data_dir = &config.server.data_dir;
        let running = match claim {
            DataFolderUse::Own => None,
            DataFolderUse::Share => Cluster::connect_running(data_dir)?,
        };
        let cluster = match running {
            Some(cluster) => cluster,
            None => Cluster::start(&embedded::EmbeddedSettings {
                data_dir: data_dir.clone(),
                fsync: true,
                max_connections: EMBEDDED_CONNECTIONS,
            })?,
        };
        prepare(&cluster)?;
        let settings =
            settings(config, &cluster.url(LoginRole::App, NAME), &cluster.url(LoginRole::Worker, NAME));
        Ok(Self { cluster: Some(cluster), settings })
    }

    pub fn stop(&self) -> anyhow::Result<()> {
        match &self.cluster {
            Some(cluster) => cluster.stop(),
            None => Ok(()),
        }
    }
}

/// Creates what is missing of database, roles and tables in an embedded server.
fn prepare(cluster: &Cluster) -> anyhow::Result<()> {
    let mut admin = connect(&cluster.url(LoginRole::Admin, "postgres"), "the embedded server")?;
    if !exists(&mut admin, NAME)? {
        admin.batch_execute(&format!("CREATE DATABASE {NAME}"))?;
    }
    roles::create(&mut connect(&cluster.url(LoginRole::Admin, NAME), "the embedded server")?)?;
    report(&migrate::up(
        &mut connect(&cluster.url(LoginRole::Owner, NAME), "the embedded server")?,
        MIGRATIONS,
    )?);
    Ok(())
}

#[derive(QueryableByName)]
struct Exists {
    #[diesel(sql_type = Bool)]
    there: bool,
}

fn exists(admin: &mut PgConnection, database: &str) -> anyhow::Result<bool> {
    let row: Exists =
        diesel::sql_query("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS there")
            .bind::<Text, _>(database)
            .get_result(admin)?;
    Ok(row.there)
}

/// Connects once. The error names the setting, never its value, which may contain a password.
pub fn connect(url: &str, setting: &str) -> anyhow::Result<PgConnection> {
    PgConnection::establish(url).with_context(|| format!("PostgreSQL could not be reached by {setting}"))
}

fn report(done: &[String]) {
    if !done.is_empty() {
        tracing::info!(migrations = done.len(), "the database schema was brought up to date");
    }
}

fn settings(config: &Config, app_url: &str, worker_url: &str) -> guichet_db::DbSettings {
    guichet_db::DbSettings {
        app_url: app_url.to_owned(),
        worker_url: worker_url.to_owned(),
        app_connections: config.database.pool_size,
        worker_connections: config.database.worker_pool_size,
        job_connections: config.database.job_pool_size,
        wait: WAIT,
    }
}

#[derive(QueryableByName)]
struct Present {
    #[diesel(sql_type = Bool)]
    present: bool,
}

/// Whether the newest table exists: a check that works without the owner's URL.
pub fn schema_present(app: &mut PgConnection) -> QueryResult<bool> {
    diesel::sql_query("SELECT to_regclass('public.idempotency_keys') IS NOT NULL AS present")
        .get_result::<Present>(app)
        .map(|row| row.present)
}
