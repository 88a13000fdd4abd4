//! No two files of a crate import each other, directly or through others.
//!
//! A module and its own submodules may: `mod.rs` declares them, and they use what it defines.

#![expect(clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

use std::collections::{BTreeMap, BTreeSet};

use super::paths::{named_paths, re_exports};
use super::sources::{CRATES, SourceFile, rust_files};

type Module = Vec<String>;

/// The files of one crate by their module, and what each re-exports.
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

    /// The module that defines what `path`, written in the module `from`, names. `None` outside the crate.
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

/// Up to the tests at the end of the file, which may use anything.
fn code_without_tests(file: &SourceFile) -> String {
    let code = file.code();
    let end = code.find("#[cfg(test)]\nmod tests {").or_else(|| code.find("#[cfg(test)]\n#[expect"));
    code[..end.unwrap_or(code.len())].to_owned()
}

fn is_test(file: &SourceFile) -> bool {
    file.path.contains("/tests/") || file.path.ends_with("tests.rs")
}

fn is_family(a: &Module, b: &Module) -> bool {
    a.starts_with(b) || b.starts_with(a)
}

fn edges(files: &[SourceFile]) -> BTreeMap<String, BTreeSet<String>> {
    let map = CrateMap::new(files);
    let mut edges = BTreeMap::new();
    for file in files.iter().filter(|file| !is_test(file)) {
        let from: Module = file.module().into_iter().map(str::to_owned).collect();
        let targets = named_paths(&code_without_tests(file));
        let targets = targets.iter().filter_map(|path| map.resolve(&from, path, 0));
        let targets =
            targets.filter(|target| !is_family(&from, target)).filter_map(|target| map.files.get(&target));
        edges.insert(file.path.clone(), targets.cloned().collect::<BTreeSet<_>>());
    }
    edges
}

/// The files that can be reached from `start`, without `start` itself unless it is on a cycle.
fn reachable(edges: &BTreeMap<String, BTreeSet<String>>, start: &str) -> BTreeSet<String> {
    let (mut seen, mut open) = (BTreeSet::new(), vec![start.to_owned()]);
    while let Some(file) = open.pop() {
        for next in edges.get(&file).into_iter().flatten() {
            if seen.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    seen
}

#[test]
fn no_files_import_each_other_in_a_cycle() {
    let mut cycles = BTreeSet::new();
    for (name, root) in CRATES {
        let edges = edges(&rust_files(root));
        let reached: BTreeMap<&String, BTreeSet<String>> =
            edges.keys().map(|file| (file, reachable(&edges, file))).collect();
        for (file, targets) in &reached {
            let others =
                targets.iter().filter(|other| reached.get(other).is_some_and(|back| back.contains(*file)));
            let cycle: BTreeSet<String> = others.cloned().collect();
            if !cycle.is_empty() {
                cycles.insert(format!("{name}: {}", cycle.into_iter().collect::<Vec<_>>().join(" ↔ ")));
            }
        }
    }
    let cycles: Vec<String> = cycles.into_iter().collect();
    assert!(cycles.is_empty(), "move what both need into a file of its own:\n{}", cycles.join("\n"));
}
