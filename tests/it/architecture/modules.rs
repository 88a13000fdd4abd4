//! Allowed imports between the crates of the workspace and between the modules of the service.

use std::collections::BTreeSet;
use std::path::Path;

use super::paths::named_paths;
use super::sources::{CRATES, rust_files};

/// Each crate, and the crates of the workspace that it may depend on.
const CRATE_EDGES: [(&str, &[&str]); 4] = [
    ("guichet-base", &[]),
    ("guichet-db", &["guichet-base"]),
    ("guichet-realtime", &["guichet-base", "guichet-db"]),
    ("guichet", &["guichet-base", "guichet-db", "guichet-realtime"]),
];

/// Each module of the service, and what it may import besides `guichet_base`. A row names only modules above it and
/// crates, so there are no cycles.
const MODULES: [(&str, &[&str]); 15] = [
    ("schema", &[]),
    ("config", &[]),
    ("telemetry", &["config", "guichet_realtime"]),
    ("web", &["telemetry", "schema", "guichet_db"]),
    ("activity", &["web", "telemetry", "schema", "guichet_db"]),
    ("directory", &["activity", "web", "config", "schema", "guichet_db"]),
    ("auth", &["directory", "activity", "web", "config", "schema", "guichet_db"]),
    ("jobs", &["telemetry", "schema", "guichet_db"]),
    ("preferences", &["directory", "auth", "activity", "web", "telemetry", "config", "schema", "guichet_db"]),
    (
        "notifications",
        &[
            "preferences",
            "jobs",
            "directory",
            "auth",
            "activity",
            "web",
            "telemetry",
            "config",
            "schema",
            "guichet_realtime",
            "guichet_db",
        ],
    ),
    (
        "deliveries",
        &[
            "notifications",
            "preferences",
            "jobs",
            "directory",
            "auth",
            "activity",
            "web",
            "telemetry",
            "config",
            "schema",
            "guichet_realtime",
            "guichet_db",
        ],
    ),
    (
        "chat",
        &[
            "notifications",
            "directory",
            "auth",
            "activity",
            "web",
            "telemetry",
            "config",
            "schema",
            "guichet_realtime",
            "guichet_db",
        ],
    ),
    (
        "app",
        &[
            "chat",
            "deliveries",
            "notifications",
            "preferences",
            "jobs",
            "directory",
            "auth",
            "activity",
            "web",
            "telemetry",
            "config",
            "schema",
            "guichet_realtime",
            "guichet_db",
        ],
    ),
    (
        "cli",
        &[
            "app",
            "notifications",
            "deliveries",
            "jobs",
            "directory",
            "auth",
            "web",
            "telemetry",
            "config",
            "guichet_db",
        ],
    ),
    ("main", &["guichet"]),
];

/// The modules of the service and the crates of the workspace that `code` imports, except `guichet_base`.
fn imported_modules(code: &str) -> BTreeSet<String> {
    let paths = named_paths(code).into_iter();
    let named = paths.filter_map(|path| match path.first()?.as_str() {
        "crate" => path.get(1).cloned(),
        "self" | "super" => None,
        krate => krate.starts_with("guichet").then(|| krate.to_owned()),
    });
    named.filter(|name| name != "guichet_base").collect()
}

#[test]
fn no_module_imports_what_its_row_does_not_name() {
    let mut violations = Vec::new();
    for file in rust_files("src").iter().filter(|file| file.path != "lib.rs") {
        let module = file.top_module();
        let Some((_, allowed)) = MODULES.iter().find(|(name, _)| *name == module) else {
            violations.push(format!("{}: the table has no module `{module}`", file.path));
            continue;
        };
        for name in imported_modules(&file.code_without_comments()) {
            if name != module && !allowed.contains(&name.as_str()) {
                violations.push(format!("{} imports `{name}`", file.path));
            }
        }
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn the_table_has_no_cycles_and_no_stale_modules() {
    for (index, (module, allowed)) in MODULES.iter().enumerate() {
        for name in allowed.iter().filter(|name| !name.starts_with("guichet")) {
            let is_above = MODULES.iter().take(index).any(|(other, _)| other == name);
            assert!(is_above, "`{module}` may import `{name}`, which is not above it in the table");
        }
    }
    let present: BTreeSet<String> = rust_files("src")
        .iter()
        .map(|file| file.top_module().to_owned())
        .filter(|module| module != "lib")
        .collect();
    let listed: BTreeSet<String> = MODULES.iter().map(|(module, _)| (*module).to_owned()).collect();
    assert_eq!(present, listed);
}

#[test]
fn no_crate_depends_on_what_its_row_does_not_name() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, source) in CRATES {
        let folder = root.join(source.trim_end_matches("src"));
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("each crate has a manifest");
        let (_, body) = manifest.split_once("\n[dependencies]").expect("each crate has dependencies");
        let named: BTreeSet<&str> = body
            .lines()
            .filter(|line| line.starts_with("guichet-"))
            .filter_map(|line| line.split(['.', ' ', '=']).next())
            .collect();
        let name = name.replace('_', "-");
        let (_, allowed) = CRATE_EDGES.iter().find(|(row, _)| *row == name).expect("each crate has a row");
        assert_eq!(named, allowed.iter().copied().collect(), "{name}");
    }
}
