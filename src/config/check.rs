//! Checks across variables: values that need or contradict each other, and values that production refuses.

use super::Config;
use super::reader::{ConfigReader, DeclaredVariable};
use super::server::Environment;
use super::values::AllowedOrigins;
use super::variables::Variables;

const OWN_PREFIX: &str = "GUICHET_";

/// Adds the faults of combined values, and resolves defaults that depend on others.
pub(super) fn check_combinations(config: &Config, reader: &mut ConfigReader<'_>) {
    database(config, reader);
    if config.server.environment == Environment::Production {
        production(config, reader);
    }
    reader.set_resolved("PUBLIC_URL", config.server.public_url(config.server.bind));
    reader.set_resolved("JIT_USERS", config.jit_users().to_string());
    if config.tokens.generates_secret() {
        let file = config.server.data_dir.join("jwt_secret");
        reader.set_resolved("JWT_SECRET", format!("(made once, in {})", file.display()));
    }
}

/// Warns of variables with guichet's prefix that nothing reads: they are probably misspelt.
pub(super) fn warnings(variables: &Variables, entries: &[DeclaredVariable]) -> Vec<String> {
    let is_known = |name: &str| entries.iter().any(|entry| entry.name == name);
    let is_set = |name: &str| variables.get(name).is_some();
    let mut warnings: Vec<String> = variables
        .names()
        .filter(|name| name.starts_with(OWN_PREFIX) && !is_known(name))
        .map(|name| format!("{name} is set, but guichet has no such variable (see .env.example)"))
        .collect();
    if is_set("DATABASE_OWNER_URL") && !is_set("DATABASE_URL") {
        warnings
            .push("DATABASE_OWNER_URL is set without DATABASE_URL: guichet serves its own PostgreSQL".into());
    }
    warnings
}

fn database(config: &Config, reader: &mut ConfigReader<'_>) {
    match (&config.database.url, &config.database.worker_url) {
        (Some(_), None) => reader.fault(
            "DATABASE_WORKER_URL",
            "is needed beside DATABASE_URL: the URL of the role guichet_worker \
             (`guichet migrate --create-roles` makes the roles, with the passwords of both URLs)",
        ),
        (None, Some(_)) => {
            reader.fault(
                "DATABASE_URL",
                "is needed beside DATABASE_WORKER_URL: the URL of the role guichet_app",
            );
        }
        (Some(_), Some(_)) | (None, None) => {}
    }
}

fn production(config: &Config, reader: &mut ConfigReader<'_>) {
    if config.tokens.generates_secret() {
        reader.fault(
            "JWT_SECRET",
            "is needed in production mode, unless JWT_JWKS_URL is set: a made-up secret is refused",
        );
    }
    if config.jit_users() {
        reader.fault("JIT_USERS", "must be false in production mode: people are provisioned there");
    }
    if config.server.cors_origins == AllowedOrigins::Any {
        reader.fault("CORS_ORIGINS", "must name the origins in production mode, or be none: * is refused");
    }
}
