//! The configuration: environment variables take precedence over `.env`, and `.env` over defaults.
//!
//! - Each variable is declared once (`section!`): the struct field, its documentation, `.env.example` and the output
//!   of `guichet config` come from that declaration.
//! - [`Config::load`] reads only its argument, and reports all faults at once.
//! - Secrets are `SecretString`, and no fault, warning or printed line contains one.
//!
//! An empty value counts as not set, so that `.env.example` copied to `.env` changes nothing.

mod activity;
mod check;
mod config_value;
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
mod tokens;
mod values;
mod variables;

pub use activity::ActivityConfig;
pub use database::{DatabaseConfig, DatabaseUrl};
pub use deliveries::DeliveriesConfig;
pub use fault::{ConfigFault, ConfigFaults};
pub use features::{Feature, FeaturesConfig};
pub use generated_secret::load_or_create_secret;
pub use limits::{LimitsConfig, RateLimitConfig};
pub use logs::{LogFormat, LogsConfig};
pub use notifications::NotificationsConfig;
pub use realtime::RealtimeConfig;
pub use redis::{RedisConfig, RedisUrl};
pub use server::{Environment, ServerConfig};
pub use tokens::TokensConfig;
pub use values::{AllowedOrigins, JsonPointer, LogFilter, RoleMap};
pub use variables::Variables;

use reader::{ConfigReader, DeclaredVariable};

/// The effective configuration. Immutable after the start.
#[derive(Debug, Clone)]
pub struct Config {
    pub server: ServerConfig,
    pub database: DatabaseConfig,
    pub redis: RedisConfig,
    pub tokens: TokensConfig,
    pub limits: LimitsConfig,
    pub realtime: RealtimeConfig,
    pub features: FeaturesConfig,
    pub activity: ActivityConfig,
    pub notifications: NotificationsConfig,
    pub deliveries: DeliveriesConfig,
    pub logs: LogsConfig,
    /// Probable mistakes that are not faults, as sentences. The caller logs them.
    pub warnings: Vec<String>,
    entries: Vec<DeclaredVariable>,
}

impl Config {
    /// Loads the configuration of this process: environment variables, then `.env` of the working directory.
    pub fn from_env() -> Result<Self, ConfigFaults> {
        Self::load(&Variables::from_env())
    }

    /// Errors: every invalid variable, and every unsafe default that production mode refuses.
    pub fn load(variables: &Variables) -> Result<Self, ConfigFaults> {
        let mut reader = ConfigReader::new(variables);
        let mut config = Self {
            server: ServerConfig::read(&mut reader),
            database: DatabaseConfig::read(&mut reader),
            redis: RedisConfig::read(&mut reader),
            tokens: TokensConfig::read(&mut reader),
            limits: LimitsConfig::read(&mut reader),
            realtime: RealtimeConfig::read(&mut reader),
            features: FeaturesConfig::read(&mut reader),
            activity: ActivityConfig::read(&mut reader),
            notifications: NotificationsConfig::read(&mut reader),
            deliveries: DeliveriesConfig::read(&mut reader),
            logs: LogsConfig::read(&mut reader),
            warnings: Vec::new(),
            entries: Vec::new(),
        };
        check::check_combinations(&config, &mut reader);
        let (entries, faults) = reader.finish();
        if !faults.is_empty() {
            return Err(ConfigFaults(faults));
        }
        config.warnings = check::warnings(variables, &entries);
        config.entries = entries;
        Ok(config)
    }

    /// Whether the first valid token of an unknown person creates that person.
    pub fn jit_users(&self) -> bool {
        self.tokens.jit_users.unwrap_or(self.database.is_embedded())
    }
}
