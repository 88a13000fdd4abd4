//! `guichet jobs`, beside a service that runs.

use std::process::{Command, Output};

use guichet::db::embedded::Role;

use crate::harness::{SECRET, TestServer};

fn jobs(server: &TestServer, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_guichet"))
        .arg("jobs")
        .args(arguments)
        .env_clear()
        .env("DATABASE_URL", server.database.url(Role::App))
        .env("DATABASE_WORKER_URL", server.database.url(Role::Worker))
        .env("JWT_SECRET", SECRET)
        .output()
        .unwrap()
}

#[test]
fn a_job_is_run_by_its_name_and_a_wrong_name_is_told_the_right_ones() {
    let server = TestServer::start();
    let wrong = jobs(&server, &["run", "idempotency.swep"]);
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert!(!wrong.status.success());
    assert!(said.contains("idempotency.sweep") && said.contains("activity.keep"), "{said}");
    let ran = jobs(&server, &["run", "idempotency.sweep"]);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let said = String::from_utf8(ran.stdout).unwrap();
    let listed = jobs(&server, &["list"]);
    let lines = String::from_utf8(listed.stdout).unwrap();
    assert_eq!(said, "idempotency.sweep: 0\n", "{lines}");
    let line = lines.lines().find(|line| line.starts_with("idempotency.sweep")).unwrap();
    assert!(line.contains("every 600 s") && line.contains("ok at"), "{line}");
}
