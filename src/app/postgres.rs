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
const DATABASE_NAME: &str = "guichet";
/// How long a request waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
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
            (Some(app), Some(worker)) => Self::open_configured(config, app, worker),
            _ => Self::open_embedded(config, claim),
        }
    }

    fn open_configured(config: &Config, app: &DatabaseUrl, worker: &DatabaseUrl) -> anyhow::Result<Self> {
        if let Some(owner) = &config.database.owner_url {
            log_migrations(&migrate::up(
                &mut connect(owner.0.expose_secret(), "DATABASE_OWNER_URL")?,
                MIGRATIONS,
            )?);
        }
        for (url, name) in [(app, "DATABASE_URL"), (worker, "DATABASE_WORKER_URL")] {
            roles::require_unprivileged(&mut connect(url.0.expose_secret(), name)?)?;
        }
        let mut conn = connect(app.0.expose_secret(), "DATABASE_URL")?;
        if !is_schema_present(&mut conn)? {
            bail!("the database has no tables yet: run `guichet migrate` with DATABASE_OWNER_URL set");
        }
        let settings = db_settings(config, app.0.expose_secret(), worker.0.expose_secret());
        Ok(Self { cluster: None, settings })
    }

    fn open_embedded(config: &Config, claim: DataFolderUse) -> anyhow::Result<Self> {
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
        prepare_cluster(&cluster)?;
        let settings = db_settings(
            config,
            &cluster.url(LoginRole::App, DATABASE_NAME),
            &cluster.url(LoginRole::Worker, DATABASE_NAME),
        );
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
fn prepare_cluster(cluster: &Cluster) -> anyhow::Result<()> {
    let mut admin = connect(&cluster.url(LoginRole::Admin, "postgres"), "the embedded server")?;
    if !database_exists(&mut admin, DATABASE_NAME)? {
        admin.batch_execute(&format!("CREATE DATABASE {DATABASE_NAME}"))?;
    }
    roles::create_or_update(&mut connect(
        &cluster.url(LoginRole::Admin, DATABASE_NAME),
        "the embedded server",
    )?)?;
    log_migrations(&migrate::up(
        &mut connect(&cluster.url(LoginRole::Owner, DATABASE_NAME), "the embedded server")?,
        MIGRATIONS,
    )?);
    Ok(())
}

#[derive(QueryableByName)]
struct DatabaseExistsRow {
    #[diesel(sql_type = Bool)]
    there: bool,
}

fn database_exists(admin: &mut PgConnection, database: &str) -> anyhow::Result<bool> {
    let row: DatabaseExistsRow =
        diesel::sql_query("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS there")
            .bind::<Text, _>(database)
            .get_result(admin)?;
    Ok(row.there)
}

/// Connects once. The error names the setting, never its value, which may contain a password.
pub fn connect(url: &str, setting: &str) -> anyhow::Result<PgConnection> {
    PgConnection::establish(url).with_context(|| format!("PostgreSQL could not be reached by {setting}"))
}

fn log_migrations(done: &[String]) {
    if !done.is_empty() {
        tracing::info!(migrations = done.len(), "the database schema was brought up to date");
    }
}

fn db_settings(config: &Config, app_url: &str, worker_url: &str) -> guichet_db::DbSettings {
    guichet_db::DbSettings {
        app_url: app_url.to_owned(),
        worker_url: worker_url.to_owned(),
        app_connections: config.database.pool_size,
        worker_connections: config.database.worker_pool_size,
        job_connections: config.database.job_pool_size,
        acquire_timeout: ACQUIRE_TIMEOUT,
    }
}

#[derive(QueryableByName)]
struct SchemaPresentRow {
    #[diesel(sql_type = Bool)]
    present: bool,
}

/// Whether the newest table exists: a check that works without the owner's URL.
pub fn is_schema_present(app: &mut PgConnection) -> QueryResult<bool> {
    diesel::sql_query("SELECT to_regclass('public.idempotency_keys') IS NOT NULL AS present")
        .get_result::<SchemaPresentRow>(app)
        .map(|row| row.present)
}
