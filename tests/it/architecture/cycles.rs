//! No two files of a crate import each other, directly or through others.
//!
//! A module and its submodules may import each other: `mod.rs` declares them, and they use its definitions.

#![expect(clippy::indexing_slicing, reason = "an index out of range fails the test")]

use std::collections::{BTreeMap, BTreeSet};

use super::paths::{named_paths, re_exports};
use super::sources::{CRATES, SourceFile, rust_files};

type Module = Vec<String>;

/// The files of one crate by module, and the re-exports of each module with their paths.
struct CrateMap {
    files: BTreeMap<Module, String>,
    exports: BTreeMap<Module, BTreeMap<String, Vec<String>>>,
}

impl CrateMap {
    fn new(files: &[SourceFile]) -> Self {
        let module = |file: &SourceFile| file.module().into_iter().map(str::to_owned).collect::<Module>();
        Self {
            files: files.iter().map(|file| (module(file), file.path.clone())).collect(),
            exports: files
                .iter()
                .map(|file| (module(file), re_exports(&code_without_tests(file)).into_iter().collect()))
                .collect(),
        }
    }

    /// The module that defines the item that `path` names in the module `from`. `None` if it is outside the crate.
    fn resolve(&self, from: &Module, path: &[String], depth: usize) -> Option<Module> {
        let mut module: Module = match path.first()?.as_str() {
            "crate" => Vec::new(),
            "self" | "super" => from.clone(),
            _ => return None,
        };
        let mut rest = path.iter().skip(usize::from(path[0] != "super")).peekable();
        while rest.next_if(|segment| *segment == "super").is_some() {
            module.pop()?;
        }
        while let Some(segment) = rest.peek() {
            let inner: Module = module.iter().cloned().chain([(*segment).clone()]).collect();
            if !self.files.contains_key(&inner) {
                break;
            }
            module = inner;
            rest.next();
        }
        let re_exported = rest.peek().and_then(|name| self.exports.get(&module)?.get(*name));
        match re_exported {
            Some(path) if depth < 5 => self.resolve(&module, path, depth + 1).or(Some(module)),
            _ => Some(module),
        }
    }
}

/// The code before the unit tests at the end of the file, which may import anything.
fn code_without_tests(file: &SourceFile) -> String {
    let code = file.code_without_comments();
    let end = code.find("#[cfg(test)]\nmod tests {").or_else(|| code.find("#[cfg(test)]\n#[expect"));
    code[..end.unwrap_or(code.len())].to_owned()
}

fn is_test(file: &SourceFile) -> bool {
    file.path.contains("/tests/") || file.path.ends_with("tests.rs")
}

fn is_ancestor_or_descendant(a: &Module, b: &Module) -> bool {
    a.starts_with(b) || b.starts_with(a)
}

fn import_edges(files: &[SourceFile]) -> BTreeMap<String, BTreeSet<String>> {
    let map = CrateMap::new(files);
    let mut edges = BTreeMap::new();
    for file in files.iter().filter(|file| !is_test(file)) {
        let from: Module = file.module().into_iter().map(str::to_owned).collect();
        let targets = named_paths(&code_without_tests(file));
        let targets = targets.iter().filter_map(|path| map.resolve(&from, path, 0));
        let targets = targets
            .filter(|target| !is_ancestor_or_descendant(&from, target))
            .filter_map(|target| map.files.get(&target));
        edges.insert(file.path.clone(), targets.cloned().collect::<BTreeSet<_>>());
    }
    edges
}

/// The files that can be reached from `start`, without `start` itself unless it is on a cycle.
fn reachable(edges: &BTreeMap<String, BTreeSet<String>>, start: &str) -> BTreeSet<String> {
    let (mut seen, mut pending) = (BTreeSet::new(), vec![start.to_owned()]);
    while let Some(file) = pending.pop() {
        for next in edges.get(&file).into_iter().flatten() {
            if seen.insert(next.clone()) {
                pending.push(next.clone());
            }
        }
    }
    seen
}

#[test]
fn no_files_import_each_other_in_a_cycle() {
    let mut cycles = BTreeSet::new();
    for (name, root) in CRATES {
        let edges = import_edges(&rust_files(root));
        let reached: BTreeMap<&String, BTreeSet<String>> =
            edges.keys().map(|file| (file, reachable(&edges, file))).collect();
        for (file, targets) in &reached {
            let others = targets.iter().filter(|other| {
                reached.get(other).is_some_and(|reachable_from_other| reachable_from_other.contains(*file))
            });
            let cycle: BTreeSet<String> = others.cloned().collect();
            if !cycle.is_empty() {
                cycles.insert(format!("{name}: {}", cycle.into_iter().collect::<Vec<_>>().join(" ↔ ")));
            }
        }
    }
    let cycles: Vec<String> = cycles.into_iter().collect();
    assert!(
        cycles.is_empty(),
        "import cycles; move the shared code into a separate file:\n{}",
        cycles.join("\n")
    );
}
