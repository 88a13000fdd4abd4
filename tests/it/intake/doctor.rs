//! `guichet doctor` on Redis.

use std::process::Command;

use guichet_db::embedded::LoginRole;

use crate::harness::{Redis, TestDatabase};

/// The output about Redis, and whether the exit code is 0.
fn examined(url: Option<&str>) -> (String, bool) {
    let (database, folder) = (TestDatabase::new(), tempfile::tempdir().unwrap());
    let mut doctor = Command::new(env!("CARGO_BIN_EXE_guichet"));
    doctor
        .arg("doctor")
        .env_clear()
        .current_dir(folder.path())
        .env("BIND", "127.0.0.1:0")
        .env("DATA_DIR", folder.path())
        .env("DATABASE_URL", database.url(LoginRole::App))
        .env("DATABASE_WORKER_URL", database.url(LoginRole::Worker));
    if let Some(url) = url {
        doctor.env("REDIS_URL", url);
    }
    let output = doctor.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let line = said.lines().find(|line| line.contains(" redis: ")).unwrap_or(&said);
    (line.to_owned(), output.status.success())
}

#[test]
fn the_doctor_says_how_redis_is_and_never_its_password() {
    let (said, is_well) = examined(Some(&Redis::shared().url()));
    assert!(said.starts_with("✓ redis: reachable") && is_well, "{said}");
    let (said, is_well) = examined(None);
    assert!(said.starts_with("✓ redis: not configured") && is_well, "{said}");
    for wrong in [Redis::stopped().url(), Redis::shared().url().replace("of-", "another-")] {
        let (said, is_well) = examined(Some(&wrong));
        assert!(said.starts_with("✗ redis: Redis is not reachable at REDIS_URL") && !is_well, "{said}");
        assert!(!said.contains("another-") && !said.contains("of-"), "{said}");
    }
}

#[test]
fn over_tls_a_server_without_it_is_an_error_and_no_panic() {
    let (said, is_well) = examined(Some(&Redis::shared().url().replace("redis://", "rediss://")));
    assert!(said.starts_with("✗ redis: ") && !is_well, "{said}");
}
