//! Checks across variables: values that require each other, and values that production mode refuses.

use super::Config;
use super::reader::{ConfigReader, DeclaredVariable};
use super::server::Environment;
use super::values::AllowedOrigins;
use super::variables::Variables;

const OWN_PREFIX: &str = "GUICHET_";

/// Adds the faults of combined values, and records the defaults that depend on other variables.
pub(super) fn check_combinations(config: &Config, reader: &mut ConfigReader<'_>) {
    check_database(config, reader);
    if config.server.environment == Environment::Production {
        check_production(config, reader);
    }
    reader.set_resolved("PUBLIC_URL", config.server.public_url(config.server.bind));
    reader.set_resolved("JIT_USERS", config.jit_users().to_string());
    if config.tokens.generates_secret() {
        let file = config.server.data_dir.join("jwt_secret");
        reader.set_resolved("JWT_SECRET", format!("(generated once, in {})", file.display()));
    }
}

/// Warnings: unknown variables with the prefix `GUICHET_` (probably misspelt), and `DATABASE_OWNER_URL` without effect.
pub(super) fn warnings(variables: &Variables, declared: &[DeclaredVariable]) -> Vec<String> {
    let is_declared = |name: &str| declared.iter().any(|entry| entry.name == name);
    let is_set = |name: &str| variables.get(name).is_some();
    let mut warnings: Vec<String> = variables
        .names()
        .filter(|name| name.starts_with(OWN_PREFIX) && !is_declared(name))
        .map(|name| format!("{name} is set, but guichet has no such variable (see .env.example)"))
        .collect();
    if is_set("DATABASE_OWNER_URL") && !is_set("DATABASE_URL") {
        warnings.push(
            "DATABASE_OWNER_URL is set without DATABASE_URL: guichet uses its embedded PostgreSQL".into(),
        );
    }
    warnings
}

fn check_database(config: &Config, reader: &mut ConfigReader<'_>) {
    match (&config.database.url, &config.database.worker_url) {
        (Some(_), None) => reader.add_fault(
            "DATABASE_WORKER_URL",
            "is required with DATABASE_URL: the URL of the role guichet_worker \
             (`guichet migrate --create-roles` creates the roles, with the passwords of both URLs)",
        ),
        (None, Some(_)) => {
            reader.add_fault(
                "DATABASE_URL",
                "is required with DATABASE_WORKER_URL: the URL of the role guichet_app",
            );
        }
        (Some(_), Some(_)) | (None, None) => {}
    }
}

fn check_production(config: &Config, reader: &mut ConfigReader<'_>) {
    if config.tokens.generates_secret() {
        reader.add_fault(
            "JWT_SECRET",
            "is required in production mode, unless JWT_JWKS_URL is set: a generated secret is refused",
        );
    }
    if config.jit_users() {
        reader.add_fault("JIT_USERS", "must be false in production mode: people must be provisioned");
    }
    if config.server.cors_origins == AllowedOrigins::Any {
        reader
            .add_fault("CORS_ORIGINS", "must list the origins in production mode, or be none: * is refused");
    }
}
