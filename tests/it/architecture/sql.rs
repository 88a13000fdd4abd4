//! SQL stands in `store` files alone, and the system phase is entered only there.

use super::sources::{SourceFile, rust_files};

/// Files with SQL beside `store` files and folders, and why.
const EXCEPTIONS: [(&str, &str); 3] = [
    ("web/idempotency.rs", "stores the responses to repeated requests, and does nothing else"),
    ("app/postgres.rs", "creates the database itself, before there is a `Db`"),
    (
        "directory/optimistic_lock.rs",
        "reads the name of the person who last changed a record, for every kind of record",
    ),
];

/// Where a transaction may continue as `system`.
const SYSTEM_PHASE: [&str; 4] = ["chat/store/", "preferences/", "notifications/", "deliveries/"];

fn is_store(path: &str) -> bool {
    path.ends_with("/store.rs") || path.contains("/store/")
}

/// Derives alone query nothing: a `model.rs` may declare how its rows are read.
fn has_sql(file: &SourceFile) -> bool {
    let code = file.code();
    let names_diesel = code.contains("use diesel") || code.contains("diesel::");
    code.contains("guichet_db::sql")
        || code.contains("sql_query")
        || (names_diesel && !file.path.ends_with("/model.rs"))
}

#[test]
fn only_stores_contain_sql() {
    let with_sql: Vec<SourceFile> = rust_files("src").into_iter().filter(has_sql).collect();
    let excepted = |path: &str| EXCEPTIONS.iter().any(|(file, _)| *file == path);
    let wrong: Vec<_> = with_sql
        .iter()
        .filter(|file| !is_store(&file.path) && file.path != "schema.rs" && !excepted(&file.path))
        .map(|f| &f.path)
        .collect();
    assert!(wrong.is_empty(), "these files have SQL and are not stores: {wrong:#?}");
    for (path, _) in EXCEPTIONS {
        assert!(with_sql.iter().any(|file| file.path == path), "{path} has no SQL: remove the exception");
    }
}

#[test]
fn the_system_phase_is_entered_in_stores_of_features_only() {
    let wrong: Vec<_> = rust_files("src")
        .into_iter()
        .filter(|file| !SYSTEM_PHASE.iter().any(|place| file.path.starts_with(place)))
        .filter(|file| file.code().contains("as_system") || file.code().contains("SystemTx"))
        .map(|file| file.path)
        .collect();
    assert!(wrong.is_empty(), "these files act as the system: {wrong:#?}");
}
