//! Refusals, defaults and output of the configuration.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use strum::VariantArray;

use guichet::config::{Config, ConfigFaults, Environment, Feature, Variables, load_or_create_secret};
use guichet_base::Role;
use secrecy::ExposeSecret;

const LONG_SECRET: &str = "0123456789abcdef0123456789abcdef";

fn faulty_variables(pairs: &[(&str, &str)]) -> Vec<String> {
    faults(pairs).0.into_iter().map(|fault| fault.variable).collect()
}

fn faults(pairs: &[(&str, &str)]) -> ConfigFaults {
    match Config::load(&pairs.iter().copied().collect()) {
        Ok(config) => panic!("accepted: {}", config.render()),
        Err(faults) => faults,
    }
}

fn loaded(pairs: &[(&str, &str)]) -> Config {
    Config::load(&pairs.iter().copied().collect()).unwrap_or_else(|faults| panic!("{faults}"))
}

#[test]
fn all_faults_are_told_at_once_and_each_by_its_name() {
    let faulty = faulty_variables(&[
        ("BIND", "nowhere"),
        ("DB_POOL_SIZE", "0"),
        ("HTTP_WORKERS", "-1"),
        ("JWT_TENANT_CLAIM", "tenant_id"),
        ("JWT_ROLE_MAP", "PDG:emperor"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,proxy"),
        ("JWT_JWKS_URL", "ftp://id.example.com"),
        ("CORS_ORIGINS", "https://app.example.com/path"),
        ("FEATURES_OFF", "chat,telepathy"),
        ("RATE_LIMIT_BURST", "many"),
        ("LOG_FORMAT", "xml"),
        ("NOTIFICATION_LOG_LEVEL", "wran"),
        ("JIT_USERS", "yes"),
    ]);
    let expected = [
        "BIND",
        "HTTP_WORKERS",
        "CORS_ORIGINS",
        "TRUSTED_PROXIES",
        "DB_POOL_SIZE",
        "JWT_JWKS_URL",
        "JWT_TENANT_CLAIM",
        "JWT_ROLE_MAP",
        "JIT_USERS",
        "RATE_LIMIT_BURST",
        "FEATURES_OFF",
        "NOTIFICATION_LOG_LEVEL",
        "LOG_FORMAT",
    ];
    assert_eq!(faulty, expected);
}

#[test]
fn a_fault_says_what_is_allowed_and_what_was_given() {
    let text = faults(&[("DB_POOL_SIZE", "0"), ("BIND", "nowhere")]).to_string();
    insta::assert_snapshot!(text, @r"
    the configuration has 2 faults:
      BIND: must be an address and a port, such as 127.0.0.1:8080, not nowhere
      DB_POOL_SIZE: must be from 1 to 1000, not 0
    ");
}

#[test]
fn production_refuses_each_unsafe_default_by_name() {
    assert_eq!(
        faulty_variables(&[("GUICHET_ENV", "production")]),
        ["JWT_SECRET", "JIT_USERS", "CORS_ORIGINS"]
    );
    let given_database = [
        ("GUICHET_ENV", "production"),
        ("DATABASE_URL", "postgres://guichet_app@db/guichet"),
        ("DATABASE_WORKER_URL", "postgres://guichet_worker@db/guichet"),
        ("JWT_JWKS_URL", "https://id.example.com/jwks.json"),
        ("CORS_ORIGINS", "none"),
    ];
    assert_eq!(loaded(&given_database).server.environment, Environment::Production);
    let mut with_jit = given_database.to_vec();
    with_jit.push(("JIT_USERS", "true"));
    assert_eq!(faulty_variables(&with_jit), ["JIT_USERS"]);
}

#[test]
fn a_short_secret_is_refused_and_never_repeated() {
    let faults = faults(&[("JWT_SECRET", "hunter2"), ("GUICHET_ENV", "production"), ("JIT_USERS", "false")]);
    let text = faults.to_string();
    assert!(text.contains("JWT_SECRET: must have at least 32 bytes"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    assert!(!format!("{faults:?}").contains("hunter2"));
}

#[test]
fn a_database_needs_the_url_of_both_roles() {
    let faults = faults(&[("DATABASE_URL", "postgres://guichet_app@db/guichet")]);
    let text = faults.to_string();
    assert!(
        text.contains("DATABASE_WORKER_URL") && text.contains("guichet migrate --create-roles"),
        "{text}"
    );
    assert_eq!(faulty_variables(&[("DATABASE_WORKER_URL", "postgres://w@db/guichet")]), ["DATABASE_URL"]);
    assert_eq!(
        faulty_variables(&[("DATABASE_URL", "mysql://db"), ("DATABASE_WORKER_URL", "postgres://db/guichet")]),
        ["DATABASE_URL"]
    );
}

#[test]
fn only_an_address_of_redis_is_one_and_a_wrong_one_is_not_repeated() {
    assert!(loaded(&[("REDIS_URL", "redis://localhost")]).redis.url.is_some());
    for wrong in ["redis-word", "http://:redis-word@redis", "redis://", "redis://:redis-word@redis/first"] {
        let faults = faults(&[("REDIS_URL", wrong)]);
        let text = faults.to_string();
        assert!(text.contains("REDIS_URL: must be redis://") && !text.contains("redis-word"), "{text}");
    }
}

#[test]
fn no_secret_shows_in_what_is_printed_or_debugged() {
    let config = loaded(&[
        ("JWT_SECRET", LONG_SECRET),
        ("REDIS_URL", "rediss://guichet:redis-word@redis:6380/2?protocol=resp3"),
        ("DATABASE_URL", "postgres://guichet_app:app-word@db:5432/guichet?password=query-word"),
        ("DATABASE_WORKER_URL", "postgres://guichet_worker:worker-word@%2Frun%2Fpg/guichet"),
        ("DATABASE_OWNER_URL", "postgres://owner:owner-word@db/guichet"),
    ]);
    let texts = [config.render(), format!("{config:?}")];
    for text in &texts {
        for secret in [LONG_SECRET, "redis-word", "app-word", "query-word", "worker-word", "owner-word"] {
            assert!(!text.contains(secret), "{secret} shows in {text}");
        }
    }
    let [printed, _] = &texts;
    assert!(printed.contains("JWT_SECRET=***"), "{printed}");
    assert!(printed.contains("REDIS_URL=rediss://guichet:***@redis:6380/2?***"), "{printed}");
    assert!(printed.contains("DATABASE_URL=postgres://guichet_app:***@db:5432/guichet?***"), "{printed}");
}

#[test]
fn what_is_in_force_tells_set_from_default() {
    let printed = loaded(&[("BIND", "127.0.0.1:9000")]).render();
    let line = |name: &str| {
        let start = format!("{name}=");
        let line = printed.lines().find(|line| line.starts_with(&start)).expect("every variable is printed");
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("BIND"), "BIND=127.0.0.1:9000 # set");
    assert_eq!(line("DB_POOL_SIZE"), "DB_POOL_SIZE=8 # default");
    assert_eq!(line("PUBLIC_URL"), "PUBLIC_URL=http://127.0.0.1:9000 # default");
    assert_eq!(line("JIT_USERS"), "JIT_USERS=true # default");
}

#[test]
fn nothing_set_is_the_embedded_mode() {
    let config = loaded(&[]);
    let public = SocketAddr::from(([0, 0, 0, 0], 8080));
    assert_eq!(config.server.bind, SocketAddr::from(([127, 0, 0, 1], 8080)));
    assert_eq!(config.server.public_url(public), "http://127.0.0.1:8080");
    assert!(config.database.is_embedded() && config.jit_users());
    assert!(config.server.cors_origins.allows("https://anything.example"));
    assert!(Feature::VARIANTS.iter().all(|feature| config.features.is_on(*feature)));
    assert_eq!(
        config.limits.person_limit().map(|limit| (limit.requests_per_second, limit.burst)),
        Some((20, 60))
    );
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
}

#[test]
fn an_empty_value_counts_as_not_set() {
    let config = loaded(&[("DATABASE_URL", ""), ("DB_POOL_SIZE", " "), ("GUICHET_TYPO", "")]);
    assert!(config.database.is_embedded());
    assert_eq!(config.database.pool_size, 8);
}

#[test]
fn an_unknown_guichet_variable_is_warned_of() {
    let warnings = loaded(&[("GUICHET_ENVIRONMENT", "production"), ("HOME", "/home/awa")]).warnings;
    assert_eq!(warnings.len(), 1);
    assert!(warnings.iter().all(|warning| warning.contains("GUICHET_ENVIRONMENT")), "{warnings:?}");
}

#[test]
fn a_limit_of_zero_is_off() {
    let config = loaded(&[("RATE_LIMIT_RPS", "0"), ("RATE_LIMIT_ANON_RPS", "0")]);
    assert_eq!((config.limits.person_limit(), config.limits.address_limit()), (None, None));
    assert!(config.limits.service_limit().is_some());
}

#[test]
fn words_of_an_identity_provider_map_to_roles_beside_our_own() {
    let map = loaded(&[("JWT_ROLE_MAP", "PDG:owner, Employé:employee,urn:svc:service")]).tokens.role_map;
    assert_eq!(map.resolve("PDG"), Some(Role::Owner));
    assert_eq!(map.resolve("Employé"), Some(Role::Employee));
    assert_eq!(map.resolve("urn:svc"), Some(Role::Service));
    assert_eq!(map.resolve("manager"), Some(Role::Manager));
    assert_eq!((map.resolve("DG"), map.resolve("platform")), (None, None));
}

#[test]
fn only_listed_origins_are_allowed() {
    let origins =
        loaded(&[("CORS_ORIGINS", "https://App.example.com/, http://localhost:3000")]).server.cors_origins;
    assert!(origins.allows("https://app.example.com") && origins.allows("http://localhost:3000"));
    assert!(!origins.allows("https://example.com") && !origins.allows("http://app.example.com"));
}

#[test]
fn the_secret_is_made_once_and_is_its_owners_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let data_dir = folder.path().join("data");
    let threads: Vec<_> = (0..8)
        .map(|_| {
            std::thread::spawn({
                let data_dir = data_dir.clone();
                move || load_or_create_secret(&data_dir).expect("a secret").expose_secret().to_owned()
            })
        })
        .collect();
    let secrets: Vec<String> = threads.into_iter().map(|thread| thread.join().expect("no panic")).collect();
    assert!(secrets.iter().all(|secret| secrets.first() == Some(secret) && secret.len() == 44));
    let files: Vec<_> = std::fs::read_dir(&data_dir).expect("the folder").flatten().collect();
    let [file] = files.as_slice() else { panic!("no draft stays behind: {files:?}") };
    let mode = file.metadata().expect("metadata").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_damaged_secret_file_is_refused_not_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("jwt_secret"), "short\n").expect("a file");
    let error = load_or_create_secret(folder.path()).expect_err("too short");
    assert!(error.to_string().contains("too short"), "{error}");
}

#[test]
fn a_broken_line_of_the_file_is_a_fault_that_does_not_repeat_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(".env");
    std::fs::write(&file, "BIND=127.0.0.1:1\nJWT_SECRET hunter2\nDB_POOL_SIZE=x\n").expect("a file");
    let text = Config::load(&Variables::from_file(&file)).expect_err("refused").to_string();
    assert!(text.contains("the entry after BIND") && text.contains("DB_POOL_SIZE"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn the_example_lists_every_variable_and_matches_the_code() {
    let committed = include_str!("../../.env.example");
    assert_eq!(committed, Config::render_example(), ".env.example is stale: run `make env`");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(".env");
    std::fs::write(&file, committed).expect("a file");
    let copied = Config::load(&Variables::from_file(&file)).expect("the example is a legal .env");
    let strip = |text: String| text.replace("# set", "").replace("# default", "");
    assert_eq!(strip(copied.render()), strip(loaded(&[]).render()), "copying it changes nothing");
}
