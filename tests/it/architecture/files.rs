//! Form of source files: a module comment first, at most 400 lines, no to-do markers and no `allow` attributes.

use super::sources::{SourceFile, rust_files};

const MAX_LINES: usize = 400;
/// Folders with handwritten Rust files.
const ROOTS: [&str; 4] = ["src", "crates", "tests", "benches"];

fn all_files() -> impl Iterator<Item = SourceFile> {
    ROOTS.into_iter().flat_map(rust_files)
}

#[test]
fn a_file_says_what_it_is_for_and_is_short() {
    let mut violations = Vec::new();
    for file in all_files() {
        if !file.text.starts_with("//!") {
            violations.push(format!("{} does not open with `//!`", file.path));
        }
        let lines = file.text.lines().count();
        // `schema.rs` is generated, so its length does not matter.
        if lines > MAX_LINES && file.path != "schema.rs" {
            violations.push(format!("{} has {lines} lines: split it", file.path));
        }
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn no_file_has_to_do_markers_or_allow_attributes() {
    // Assembled at run time, so that this file does not match its own patterns.
    let markers = ["TO", "FIX", "XX"].map(|start| {
        format!(
            "{start}{}",
            if start == "TO" {
                "DO"
            } else if start == "XX" {
                "X"
            } else {
                "ME"
            }
        )
    });
    let allow = ["#[", "allow("].concat();
    let inner_allow = ["#![", "allow("].concat();
    let mut violations = Vec::new();
    for file in all_files() {
        for (number, line) in (1..).zip(file.text.lines()) {
            let has_marker = markers.iter().any(|word| line.contains(word.as_str()));
            if has_marker || line.contains(&allow) || line.contains(&inner_allow) {
                violations.push(format!("{}:{number}: {}", file.path, line.trim()));
            }
        }
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}
