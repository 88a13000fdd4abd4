//! Only `store` files contain SQL, and only modules with such files start a system transaction.

use super::sources::{SourceFile, rust_files};

/// Files with SQL that are not stores, each with the reason.
const EXCEPTIONS: [(&str, &str); 3] = [
    ("web/idempotency.rs", "stores the responses to repeated requests, and does nothing else"),
    ("app/postgres.rs", "creates the database itself, before there is a `Db`"),
    (
        "directory/optimistic_lock.rs",
        "reads the name of the person who last changed a record, for every kind of record",
    ),
];

/// Folders in which a transaction may contain a system transaction (`Tx::as_system`).
const SYSTEM_TX_FOLDERS: [&str; 4] = ["chat/store/", "preferences/", "notifications/", "deliveries/"];

fn is_store(path: &str) -> bool {
    path.ends_with("/store.rs") || path.contains("/store/")
}

/// Whether a file contains SQL or Diesel queries. `model.rs` files may use Diesel, since they only derive row types.
fn has_sql(file: &SourceFile) -> bool {
    let code = file.code_without_comments();
    let names_diesel = code.contains("use diesel") || code.contains("diesel::");
    code.contains("guichet_db::sql")
        || code.contains("sql_query")
        || (names_diesel && !file.path.ends_with("/model.rs"))
}

#[test]
fn only_stores_contain_sql() {
    let with_sql: Vec<SourceFile> = rust_files("src").into_iter().filter(has_sql).collect();
    let is_exception = |path: &str| EXCEPTIONS.iter().any(|(file, _)| *file == path);
    let violations: Vec<_> = with_sql
        .iter()
        .filter(|file| !is_store(&file.path) && file.path != "schema.rs" && !is_exception(&file.path))
        .map(|f| &f.path)
        .collect();
    assert!(violations.is_empty(), "these files have SQL and are not stores: {violations:#?}");
    for (path, _) in EXCEPTIONS {
        assert!(with_sql.iter().any(|file| file.path == path), "{path} has no SQL: remove the exception");
    }
}

#[test]
fn the_system_phase_is_entered_in_stores_of_features_only() {
    let violations: Vec<_> = rust_files("src")
        .into_iter()
        .filter(|file| !SYSTEM_TX_FOLDERS.iter().any(|folder| file.path.starts_with(folder)))
        .filter(|file| {
            file.code_without_comments().contains("as_system")
                || file.code_without_comments().contains("SystemTx")
        })
        .map(|file| file.path)
        .collect();
    assert!(violations.is_empty(), "these files may not start system transactions: {violations:#?}");
}
