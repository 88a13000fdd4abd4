//! The language of the code: visible type names are unique, and a list of unclear phrases is not used.
//!
//! `docs/glossary.md` has the terms; the house style is in `CONTRIBUTING.md`.

use std::collections::BTreeMap;

use super::sources::{CRATES, files, rust_files};

/// Type names that are conventional inside a module and may be defined in several.
const MODULE_LOCAL: [&str; 5] = ["Args", "Columns", "Query", "Row", "Settings"];

/// Phrases that have a plain equivalent; they are matched as whole words.
const PHRASES: [&str; 20] = [
    "whoever",
    "whomever",
    "whom",
    "nobody",
    "somebody",
    "told",
    "tell of",
    "tells of",
    "anew",
    "bears to",
    "bear to",
    "is theirs",
    "of who",
    "for who",
    "came to be",
    "comes to be",
    "heed",
    "lest",
    "the house",
    "this room of the",
];

/// The name in a line such as `pub struct Name`, of any visibility except private.
fn visible_type(line: &str) -> Option<&str> {
    let line = line.trim_start().strip_prefix("pub")?;
    let line = match line.strip_prefix('(') {
        Some(rest) => rest.split_once(')')?.1,
        None => line,
    };
    let (kind, rest) = line.trim_start().split_once(' ')?;
    let is_type = ["struct", "enum", "trait", "type", "union"].contains(&kind);
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    // The name is empty if it is a macro variable (`$name`).
    if is_type && end > 0 { rest.get(..end) } else { None }
}

#[test]
fn no_visible_type_name_has_two_meanings_in_a_crate() {
    let mut repeated = Vec::new();
    let tests = [("tests", "tests/it"), ("benches", "benches")];
    for (name, root) in CRATES.into_iter().chain(tests) {
        let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for file in rust_files(root) {
            for found in file.text.lines().filter_map(visible_type) {
                places.entry(found.to_owned()).or_default().push(file.path.clone());
            }
        }
        places.retain(|found, places| places.len() > 1 && !MODULE_LOCAL.contains(&found.as_str()));
        repeated
            .extend(places.iter().map(|(found, places)| format!("{name}: {found} in {}", places.join(", "))));
    }
    assert!(repeated.is_empty(), "{} names have two meanings:\n{}", repeated.len(), repeated.join("\n"));
}

/// Whether `line` has `phrase` as whole words.
fn has_phrase(line: &str, phrase: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(phrase).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        let after = line.get(at + phrase.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// The prose in a line of Rust: its comment, or the whole line if it logs or builds an error.
fn prose_of_rust(line: &str) -> &str {
    match line.find("//") {
        Some(at) => line.get(at..).unwrap_or_default(),
        None if [
            "tracing::",
            "error!(",
            "warn!(",
            "info!(",
            "debug!(",
            "anyhow!(",
            "bail!(",
            ".context(",
        ]
        .iter()
        .any(|start| line.contains(start)) =>
        {
            line
        }
        None => "",
    }
}

#[test]
fn comments_logs_docs_and_locales_use_plain_words() {
    let mut found = Vec::new();
    let mut check = |root: &str, path: &str, number: usize, prose: &str| {
        // Without inline code, which names things.
        let prose: String = prose.to_lowercase().split('`').step_by(2).collect();
        for phrase in PHRASES.into_iter().filter(|phrase| has_phrase(&prose, phrase)) {
            found.push(format!("{root}/{path}:{number}: `{phrase}`"));
        }
    };
    for root in ["src", "crates", "tests/it", "benches"] {
        for file in rust_files(root).iter().filter(|file| !file.path.ends_with("architecture/words.rs")) {
            for (number, line) in (1..).zip(file.text.lines()) {
                check(root, &file.path, number, prose_of_rust(line));
            }
        }
    }
    for (root, extension) in [("docs", "md"), ("locales/en", "ftl"), ("migrations", "md")] {
        for file in files(root, extension) {
            for (number, line) in (1..).zip(file.text.lines()) {
                check(root, &file.path, number, line);
            }
        }
    }
    assert!(found.is_empty(), "{} phrases to write plainly:\n{}", found.len(), found.join("\n"));
}
