//! Every migration can be reverted, which restores the schema exactly.
//!
//! The schema is the output of `pg_dump`: tables, policies, functions, comments, privileges and their defaults.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at what it did not expect"
)]

use std::path::PathBuf;
use std::process::Command;

use crate::security::database::{ADMIN, PolicyDatabase, bare_database, migrations, run_file};

#[test]
fn each_way_down_restores_what_its_way_up_found_twice_over() {
    let database = bare_database();
    let owner = &mut database.connect("guichet_owner");
    let folders = migrations();
    let mut tops = Vec::new();
    for _ in 0..2 {
        let mut found = Vec::new();
        for folder in &folders {
            found.push(schema(&database));
            run_file(owner, &folder.join("up.sql"));
        }
        tops.push(schema(&database));
        for (folder, before) in folders.iter().zip(&found).rev() {
            run_file(owner, &folder.join("down.sql"));
            assert_same(&schema(&database), before, &format!("{} does not restore", folder.display()));
        }
    }
    assert_same(&tops[1], &tops[0], "the second way up leads elsewhere");
    assert!(tops[0].contains("CREATE POLICY"), "the dump shows no policy: it proves nothing");
}

fn assert_same(now: &str, before: &str, what: &str) {
    if now == before {
        return;
    }
    let missing: Vec<&str> = before.lines().filter(|line| !now.lines().any(|other| other == *line)).collect();
    let left: Vec<&str> = now.lines().filter(|line| !before.lines().any(|other| other == *line)).collect();
    panic!("{what}\nmissing: {missing:#?}\nleft over: {left:#?}");
}

fn schema(database: &PolicyDatabase) -> String {
    let output = Command::new(pg_dump()).arg("--schema-only").arg(database.url(ADMIN)).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Newer versions of pg_dump put a random token into their output.
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// On PATH, or in Debian's folder of the server.
fn pg_dump() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    std::env::split_paths(&path)
        .chain(debian)
        .map(|folder| folder.join("pg_dump"))
        .find(|file| file.is_file())
        .expect("pg_dump is installed with PostgreSQL")
}
