//! Checks `docs/glossary.md`: its paths exist, and every exported type has a term.

use std::collections::BTreeSet;
use std::path::Path;

use super::sources::{CRATES, SourceFile, rust_files};

/// Exported types that need no term, since their name explains them.
const NOT_TERMS: [&str; 2] = ["Result", "RunningService"];
/// Modules whose exports are technical: extractors and settings.
const NOT_DOMAIN: [&str; 2] = ["config", "web"];

fn glossary() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/glossary.md");
    std::fs::read_to_string(path).unwrap_or_default()
}

/// The term of each row (first cell) and where it is defined (last cell).
fn definitions(glossary: &str) -> impl Iterator<Item = (&str, &str)> {
    let rows = glossary.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---"));
    rows.filter_map(|row| {
        let mut cells = row.trim_matches(['|', ' ']).split(" | ");
        Some((cells.next()?, cells.last()?))
    })
}

/// The paths in inline code of a cell, each as its segments.
fn paths(cell: &str) -> impl Iterator<Item = Vec<&str>> {
    let codes = cell.split('`').skip(1).step_by(2);
    codes.filter(|code| code.contains("::")).map(|code| code.split("::").collect())
}

/// The modules, items, fields and variants of the sources.
fn defined_names(sources: &[SourceFile]) -> BTreeSet<String> {
    // Keywords that may precede the name in a definition.
    const KEYWORDS: [&str; 13] = [
        "pub", "crate", "super", "async", "unsafe", "struct", "enum", "trait", "fn", "const", "static",
        "type", "mod",
    ];
    let mut names: BTreeSet<String> = CRATES.iter().map(|(name, _)| (*name).to_owned()).collect();
    for file in sources {
        names.extend(file.module().into_iter().map(str::to_owned));
        for line in file.text.lines() {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            let name = words.find(|word| !word.is_empty() && !KEYWORDS.contains(word));
            names.extend(name.map(str::to_owned));
        }
    }
    names
}

#[test]
fn every_path_of_the_glossary_exists() {
    let sources: Vec<SourceFile> = CRATES.iter().flat_map(|(_, root)| rust_files(root)).collect();
    let defined = defined_names(&sources);
    let glossary = glossary();
    assert!(!glossary.is_empty(), "docs/glossary.md is missing");
    let mut missing = Vec::new();
    for (term, cell) in definitions(&glossary) {
        for path in paths(cell) {
            let unknown = path.iter().filter(|segment| !defined.contains(**segment));
            missing
                .extend(unknown.map(|segment| format!("{term}: `{}` has no `{segment}`", path.join("::"))));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_exported_type_has_a_term() {
    let glossary = glossary();
    let named: BTreeSet<&str> = definitions(&glossary)
        .flat_map(|(_, cell)| cell.split('`').skip(1).step_by(2))
        .flat_map(|code| code.split("::"))
        .collect();
    let mut missing = BTreeSet::new();
    for (krate, root) in CRATES {
        // A library exports at its root, the service in its modules.
        let depth = usize::from(krate == "guichet");
        let files = rust_files(root).into_iter().filter(|file| file.module().len() <= depth);
        for file in files.filter(|file| !NOT_DOMAIN.contains(&file.top_module())) {
            let exports = file.text.split("\npub use ").skip(1).filter_map(|rest| rest.split(';').next());
            let names = exports.flat_map(|list| list.split(|c: char| !c.is_alphanumeric() && c != '_'));
            let types = names.filter(|name| {
                name.starts_with(|c: char| c.is_ascii_uppercase())
                    && name.chars().any(|c| c.is_ascii_lowercase())
            });
            let unnamed = types.filter(|name| !named.contains(name) && !NOT_TERMS.contains(name));
            missing.extend(unnamed.map(|name| format!("{krate}: {name} of {}", file.path)));
        }
    }
    let missing: Vec<String> = missing.into_iter().collect();
    assert!(missing.is_empty(), "exported types without a term in docs/glossary.md:\n{}", missing.join("\n"));
}
