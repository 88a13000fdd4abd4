//! Extracts the paths from Rust code: those of `use` declarations, flattened, and those in expressions.

/// Each path as its segments: `use a::{b, c as d};` gives `a::b` and `a::c`. Paths start with `crate`, `self`, `super` or
/// the name of a crate.
pub fn named_paths(code: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let mut rest = code;
    while let Some(at) = find_use(rest) {
        let (before, declaration) = rest.split_at(at);
        collect_inline_paths(before, &mut paths);
        let end = declaration.find(';').unwrap_or(declaration.len());
        flatten_use_tree(&[], declaration.get("use ".len()..end).unwrap_or_default(), &mut paths);
        rest = declaration.get(end..).unwrap_or_default();
    }
    collect_inline_paths(rest, &mut paths);
    paths
}

/// The names that a file re-exports, each with its path: `pub use self::a::B;` gives (`B`, `self::a::B`).
pub fn re_exports(code: &str) -> Vec<(String, Vec<String>)> {
    let mut exports = Vec::new();
    for declaration in code.split("pub use ").skip(1) {
        let end = declaration.find(';').unwrap_or(declaration.len());
        let mut paths = Vec::new();
        flatten_use_tree(&[], declaration.get(..end).unwrap_or_default(), &mut paths);
        exports.extend(paths.into_iter().filter_map(|path| Some((path.last()?.clone(), path))));
    }
    exports
}

fn find_use(code: &str) -> Option<usize> {
    code.match_indices("use ")
        .map(|(at, _)| at)
        .find(|at| code.get(..*at).is_some_and(|before| before.is_empty() || before.ends_with([' ', '\n'])))
}

fn flatten_use_tree(prefix: &[String], tree: &str, into: &mut Vec<Vec<String>>) {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let name = tree.split(" as ").next().unwrap_or_default();
        let segments = name.split("::").map(str::trim).filter(|segment| !["", "self", "*"].contains(segment));
        // A leading `self` is part of the path; a trailing one names the module and is dropped.
        let start = name.starts_with("self::").then(|| "self".to_owned());
        into.push(prefix.iter().cloned().chain(start).chain(segments.map(str::to_owned)).collect());
        return;
    };
    let (head, group) = tree.split_at(open);
    let head = head.split("::").map(str::trim).filter(|segment| !segment.is_empty()).map(str::to_owned);
    let prefix: Vec<String> = prefix.iter().cloned().chain(head).collect();
    let group = group.trim_start_matches('{').strip_suffix('}').unwrap_or(group);
    for item in split_outside_braces(group) {
        flatten_use_tree(&prefix, item, into);
    }
}

/// Splits at the commas outside braces.
fn split_outside_braces(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut items) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(group.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(group.get(start..).unwrap_or_default());
    items.retain(|item| !item.trim().is_empty());
    items
}

fn collect_inline_paths(code: &str, into: &mut Vec<Vec<String>>) {
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    for word in code.split(|c| !is_path(c)) {
        let mut segments = word.split("::").filter(|segment| !segment.is_empty());
        let starts = ["crate", "super", "self", "guichet_base", "guichet_db", "guichet_realtime", "guichet"];
        if word.contains("::") && segments.next().is_some_and(|first| starts.contains(&first)) {
            into.push(word.split("::").filter(|segment| !segment.is_empty()).map(str::to_owned).collect());
        }
    }
}

#[test]
fn groups_aliases_and_inline_paths_are_read_alike() {
    let code = "use crate::{chat, web::{self, Reply as R}};\nuse super::store;\nfn f(x: guichet_base::id::UserId) {}";
    let paths: Vec<String> = named_paths(code).iter().map(|path| path.join("::")).collect();
    let expected =
        ["crate::chat", "crate::web", "crate::web::Reply", "super::store", "guichet_base::id::UserId"];
    assert_eq!(paths, expected);
}

#[test]
fn a_re_export_keeps_its_path() {
    let exports = re_exports("pub use self::hub::{Hub, Parts as HubParts};");
    let named: Vec<String> =
        exports.iter().map(|(name, path)| format!("{name} {}", path.join("::"))).collect();
    assert_eq!(named, ["Hub self::hub::Hub", "Parts self::hub::Parts"]);
}
