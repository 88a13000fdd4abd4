//! Connections to PostgreSQL: URLs by role, pool sizes, and the embedded server.

use std::path::PathBuf;

use secrecy::SecretString;

use super::config_value::{ConfigValue, mask_password};
use super::reader::section;

section! {
    /// The database
    pub struct DatabaseConfig {
        /// PostgreSQL for requests, as the role guichet_app. Not set: guichet runs an embedded PostgreSQL in
        /// DATA_DIR. Example: postgres://guichet_app:secret@db.example.com/guichet
        pub url: Option<DatabaseUrl> = "DATABASE_URL", "";
        /// The same database for jobs and the outbox, as the role guichet_worker. Required with DATABASE_URL.
        pub worker_url: Option<DatabaseUrl> = "DATABASE_WORKER_URL", "";
        /// The same database for migrations only, as its owner. Without it, serve does not migrate.
        pub owner_url: Option<DatabaseUrl> = "DATABASE_OWNER_URL", "";
        /// Connections for requests. The embedded PostgreSQL allows 100 in all.
        pub pool_size: u32 = "DB_POOL_SIZE", "8", in 1..=1000;
        /// Connections for jobs across tenants and for the outbox.
        pub worker_pool_size: u32 = "DB_WORKER_POOL_SIZE", "2", in 1..=100;
        /// Connections for jobs within one tenant: notifications of large audiences, digests, deliveries.
        pub job_pool_size: u32 = "DB_JOB_POOL_SIZE", "3", in 1..=100;
        /// Folder of the programs postgres and initdb for the embedded PostgreSQL. Not set: searched on PATH, in
        /// /usr/lib/postgresql and in Homebrew's folders.
        pub pg_bin: Option<PathBuf> = "GUICHET_PG_BIN", "";
    }
}

impl DatabaseConfig {
    /// Whether guichet runs an embedded PostgreSQL.
    pub fn is_embedded(&self) -> bool {
        self.url.is_none()
    }
}

/// A `postgres://` URL. Stored as a secret, since it may contain a password.
#[derive(Debug, Clone)]
pub struct DatabaseUrl(pub SecretString);

impl ConfigValue for DatabaseUrl {
    fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Ok(DatabaseUrl(SecretString::from(text)))
        } else {
            Err("must begin with postgres:// or postgresql://".to_owned())
        }
    }

    fn display_text(text: &str) -> String {
        mask_password(text)
    }
}
