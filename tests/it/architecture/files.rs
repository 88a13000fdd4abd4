//! How a source file looks: it opens with its purpose, it is short, and it leaves nothing for later.

use super::sources::{SourceFile, rust_files};

const MAX_LINES: usize = 400;
/// Folders with handwritten Rust files.
const ROOTS: [&str; 4] = ["src", "crates", "tests", "benches"];

fn all_files() -> impl Iterator<Item = SourceFile> {
    ROOTS.into_iter().flat_map(rust_files)
}

#[test]
fn a_file_says_what_it_is_for_and_is_short() {
    let mut wrong = Vec::new();
    for file in all_files() {
        if !file.text.starts_with("//!") {
            wrong.push(format!("{} does not open with `//!`", file.path));
        }
        let lines = file.text.lines().count();
        // `schema.rs` is generated, so its length does not matter.
        if lines > MAX_LINES && file.path != "schema.rs" {
            wrong.push(format!("{} has {lines} lines: split it", file.path));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_has_to_do_markers_or_allow_attributes() {
    // Assembled at run time, so that this file does not match its own patterns.
    let never = ["TO", "FIX", "XX"].map(|start| {
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
    let inner = ["#![", "allow("].concat();
    let mut wrong = Vec::new();
    for file in all_files() {
        for (number, line) in (1..).zip(file.text.lines()) {
            let has_marker = never.iter().any(|word| line.contains(word.as_str()));
            if has_marker || line.contains(&allow) || line.contains(&inner) {
                wrong.push(format!("{}:{number}: {}", file.path, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
