//! The source files of the workspace, as text.

#![expect(clippy::unwrap_used, reason = "an unexpected error fails the test")]

use std::path::Path;

/// The library crates: name and source folder.
pub const CRATES: [(&str, &str); 4] = [
    ("guichet_base", "crates/guichet-base/src"),
    ("guichet_db", "crates/guichet-db/src"),
    ("guichet_realtime", "crates/guichet-realtime/src"),
    ("guichet", "src"),
];

pub struct SourceFile {
    /// Path relative to the root that was searched, with `/` as separator.
    pub path: String,
    pub text: String,
}

impl SourceFile {
    /// The first folder, or the name of a file at the root: `chat` for `chat/store/send.rs`.
    pub fn top_module(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// The module path of the file inside its crate: `["chat", "store"]` of `chat/store/mod.rs`.
    pub fn module(&self) -> Vec<&str> {
        let mut segments: Vec<&str> = self.path.trim_end_matches(".rs").split('/').collect();
        if segments.last().is_some_and(|last| ["mod", "lib", "main"].contains(last)) {
            segments.pop();
        }
        segments
    }

    /// The text without lines that are comments.
    pub fn code_without_comments(&self) -> String {
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        self.text.lines().filter(is_code).map(|line| format!("{line}\n")).collect()
    }
}

/// The Rust files below `root`, a folder of the repository.
pub fn rust_files(root: &str) -> Vec<SourceFile> {
    files(root, "rs")
}

/// The files with `extension` below `root`, sorted by path.
pub fn files(root: &str, extension: &str) -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(root);
    let mut found = Vec::new();
    collect(&root, &root, extension, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "{} contains no .{extension} files", root.display());
    found
}

fn collect(root: &Path, folder: &Path, extension: &str, into: &mut Vec<SourceFile>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // Packages that npm installed for the tests.
            if !path.ends_with("node_modules") {
                collect(root, &path, extension, into);
            }
        } else if path.extension().is_some_and(|found| found == extension) {
            let text = std::fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            into.push(SourceFile { path, text });
        }
    }
}
