//! Checks that the tables of the documentation match the code: jobs, metrics and dependencies.

use std::collections::BTreeSet;
use std::path::Path;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_default()
}

/// Inline code in the first cell of each row below the heading `## {heading}`.
fn first_cells(page: &str, heading: &str) -> BTreeSet<String> {
    let section = page.split("\n## ").find(|section| section.starts_with(heading)).unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

/// The string literals of a source for which `is_wanted` is true.
fn literals(source: &str, is_wanted: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let texts = lines.flat_map(|line| line.split('"').skip(1).step_by(2));
    texts.filter(|text| is_wanted(text)).map(str::to_owned).collect()
}

#[test]
fn the_table_of_jobs_is_complete() {
    let is_job =
        |text: &str| text.contains('.') && text.chars().all(|c| c.is_ascii_lowercase() || "._".contains(c));
    let jobs = literals(&read("src/app/jobs.rs"), is_job);
    assert!(jobs.len() >= 10, "{jobs:?}");
    assert_eq!(first_cells(&read("docs/operations.md"), "Jobs"), jobs);
}

#[test]
fn the_table_of_metrics_is_complete() {
    let is_metric = |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let mut metrics = literals(&read("src/telemetry/metric_names.rs"), is_metric);
    metrics.extend(literals(&read("crates/guichet-realtime/src/metric_names.rs"), is_metric));
    assert!(metrics.len() >= 15, "{metrics:?}");
    let mut described = first_cells(&read("docs/operations.md"), "Metrics");
    described.remove("process_*");
    assert_eq!(described, metrics);
}

#[test]
fn every_dependency_has_its_reason() {
    let page = read("docs/dependencies.md");
    let described: BTreeSet<&str> = page.split('`').skip(1).step_by(2).collect();
    let mut missing = BTreeSet::new();
    for folder in ["", "crates/guichet-base/", "crates/guichet-db/", "crates/guichet-realtime/"] {
        let manifest = read(&format!("{folder}Cargo.toml"));
        let sections = manifest.split("\n[").filter(|section| {
            let name = section.split(']').next().unwrap_or_default();
            name.ends_with("dependencies") && name != "workspace.dependencies"
        });
        let lines = sections.flat_map(|section| section.lines().skip(1));
        let names = lines.filter_map(|line| line.split([' ', '.', '=']).next());
        let named = names.filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase()));
        let unknown = named.filter(|name| !name.starts_with("guichet") && !described.contains(name));
        missing.extend(unknown.map(|name| format!("{folder}Cargo.toml: {name}")));
    }
    assert!(missing.is_empty(), "without a reason in docs/dependencies.md: {missing:?}");
}
