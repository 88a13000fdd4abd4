//! `guichet jobs`, next to a running service.

use std::process::{Command, Output};

use guichet_db::embedded::LoginRole;

use crate::harness::{JWT_SECRET, TestServer};

fn guichet(server: &TestServer, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_guichet"))
        .args(arguments)
        .env_clear()
        .env("DATABASE_URL", server.database.url(LoginRole::App))
        .env("DATABASE_WORKER_URL", server.database.url(LoginRole::Worker))
        .env("JWT_SECRET", JWT_SECRET)
        .output()
        .unwrap()
}

#[test]
fn a_job_is_run_by_its_name_and_a_wrong_name_is_told_the_right_ones() {
    let server = TestServer::start();
    let wrong = guichet(&server, &["jobs", "run", "idempotency.swep"]);
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert!(!wrong.status.success());
    assert!(said.contains("idempotency.sweep") && said.contains("activity.keep"), "{said}");
    let ran = guichet(&server, &["jobs", "run", "idempotency.sweep"]);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let said = String::from_utf8(ran.stdout).unwrap();
    let listed = guichet(&server, &["jobs", "list"]);
    let lines = String::from_utf8(listed.stdout).unwrap();
    assert_eq!(said, "idempotency.sweep: 0\n", "{lines}");
    let line = lines.lines().find(|line| line.starts_with("idempotency.sweep")).unwrap();
    assert!(line.contains("every 600 s") && line.contains("ok at"), "{line}");
}

#[test]
fn samples_cleaning_and_repair_are_done_by_hand() {
    let server = TestServer::start();
    let says = |arguments: &[&str]| {
        let output = guichet(&server, arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(says(&["notifications", "fake", "--user", "emma@demo.example"]).starts_with("notifications: 1"));
    assert!(says(&["notifications", "cleanup"]).contains("notifications.retention: 0\n"));
    assert!(says(&["notifications", "repair"]).contains("counters corrected: 0\n"));
    let nobody = guichet(&server, &["notifications", "fake", "--user", "x@demo.example"]);
    assert_eq!(nobody.status.code(), Some(1));
}
