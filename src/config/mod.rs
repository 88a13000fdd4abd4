//! What is set from outside: environment variables, `.env` beneath them, defaults beneath both.
//!
//! Invariants:
//! - Each variable is declared once (`section!`): the struct field, its documentation, `.env.example` and
//!   the output of `guichet config` come from that declaration.
//! - [`Config::load`] reads nothing but its argument, and reports all faults together.
//! - Secrets are `SecretString`, and no fault, warning or printed line repeats one.
//!
//! An empty value counts as not set, so that `.env.example` copied to `.env` changes nothing.

mod activity;
mod check;
mod database;
mod deliveries;
mod fault;
mod features;
mod generated_secret;
mod limits;
mod logs;
mod notifications;
mod print;
mod reader;
mod realtime;
mod redis;
mod server;
mod setting;
mod tokens;
mod values;
mod variables;

pub use activity::Activity;
pub use database::{Database, DatabaseUrl};
pub use deliveries::Deliveries;
pub use fault::{Fault, Faults};
pub use features::{Feature, Features};
pub use generated_secret::secret_made_once;
pub use limits::{Limits, RateLimit};
pub use logs::{LogFormat, Logs};
pub use notifications::Notifications;
pub use realtime::Realtime;
pub use redis::{Redis, RedisUrl};
pub use server::{Environment, Server};
pub use tokens::Tokens;
pub use values::{JsonPointer, LogFilter, Origins, RoleMap};
pub use variables::Variables;

use reader::{Entry, Reader};

/// Everything that is in force. Cheap to share behind an `Arc`, never changed after the start.
#[derive(Debug, Clone)]
pub struct Config {
    pub server: Server,
    pub database: Database,
    pub redis: Redis,
    pub tokens: Tokens,
    pub limits: Limits,
    pub realtime: Realtime,
    pub features: Features,
    pub activity: Activity,
    pub notifications: Notifications,
    pub deliveries: Deliveries,
    pub logs: Logs,
    /// What is odd but no fault, in sentences. Whoever loads writes them to the log.
    pub warnings: Vec<String>,
    entries: Vec<Entry>,
}

impl Config {
    /// The configuration of this process: its environment over `.env` of the working directory.
    pub fn of_process() -> Result<Self, Faults> {
        Self::load(&Variables::of_process())
    }

    /// Errors: every variable that is wrong, and every unsafe default that production mode refuses.
    pub fn load(variables: &Variables) -> Result<Self, Faults> {
        let mut reader = Reader::new(variables);
        let mut config = Self {
            server: Server::read(&mut reader),
            database: Database::read(&mut reader),
            redis: Redis::read(&mut reader),
            tokens: Tokens::read(&mut reader),
            limits: Limits::read(&mut reader),
            realtime: Realtime::read(&mut reader),
            features: Features::read(&mut reader),
            activity: Activity::read(&mut reader),
            notifications: Notifications::read(&mut reader),
            deliveries: Deliveries::read(&mut reader),
            logs: Logs::read(&mut reader),
            warnings: Vec::new(),
            entries: Vec::new(),
        };
        check::together(&config, &mut reader);
        let (entries, faults) = reader.finish();
        if !faults.is_empty() {
            return Err(Faults(faults));
        }
        config.warnings = check::warnings(variables, &entries);
        config.entries = entries;
        Ok(config)
    }

    /// Whether a first valid token of an unknown person makes that person.
    pub fn jit_users(&self) -> bool {
        self.tokens.jit_users.unwrap_or(self.database.is_embedded())
    }
}
