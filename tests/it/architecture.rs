//! The plan of the house, held against its sources: who names whom, where SQL stands, and how a file looks.
//!
//! It reads text, not types: a path that starts at the crate's root (`crate::web::Reply`) is an edge from the room of
//! its file to the room it names. Comments do not count.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

use std::collections::BTreeSet;
use std::path::Path;

/// Each room, and the rooms it may name. A row names only rows above it, so there is no way round in a circle.
const ROOMS: [(&str, &[&str]); 14] = [
    ("base", &[]),
    ("config", &["base"]),
    ("telemetry", &["config", "base"]),
    ("db", &["base"]),
    ("web", &["telemetry", "db", "base"]),
    // `web` for the address that the edge found, behind whatever proxies.
    ("realtime", &["web", "telemetry", "db", "base"]),
    ("activity", &["web", "telemetry", "db", "base"]),
    ("identity", &["activity", "web", "db", "config", "base"]),
    ("jobs", &["telemetry", "db", "base"]),
    ("preferences", &["identity", "activity", "web", "db", "telemetry", "config", "base"]),
    (
        "notifications",
        &[
            "preferences",
            "jobs",
            "identity",
            "activity",
            "realtime",
            "web",
            "db",
            "telemetry",
            "config",
            "base",
        ],
    ),
    (
        "deliveries",
        &[
            "notifications",
            "preferences",
            "jobs",
            "identity",
            "activity",
            "realtime",
            "web",
            "db",
            "telemetry",
            "config",
            "base",
        ],
    ),
    (
        "chat",
        &["notifications", "identity", "activity", "realtime", "web", "db", "telemetry", "config", "base"],
    ),
    (
        "app",
        &[
            "chat",
            "deliveries",
            "notifications",
            "preferences",
            "jobs",
            "identity",
            "activity",
            "realtime",
            "web",
            "db",
            "telemetry",
            "config",
            "base",
        ],
    ),
];

/// The commands, and the tour of the house: on top of everything, named by nobody.
const ON_TOP: [&str; 3] = ["cli", "lib", "main"];

/// Where a statement may be written: `store` files and folders, the room of the database, and these, which are the
/// store of their room under a name that says more.
const SQL: [(&str, &str); 4] = [
    ("realtime/outbox.rs", "the replay log is a store and nothing else"),
    ("web/idempotency.rs", "the answers to repeats: a store and nothing else"),
    ("app/engine.rs", "makes the database itself, before there is a `db::Db`"),
    ("identity/edit.rs", "one name, of whoever changed a record last, for every record's store alike"),
];

/// Where the second phase of a transaction may be entered.
const SYSTEM: [&str; 5] = ["db/", "chat/store/", "preferences/", "notifications/", "deliveries/"];

const MAX_LINES: usize = 400;

struct File {
    /// Under its root, with `/`.
    path: String,
    text: String,
}

impl File {
    fn room(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// Without comments.
    fn code(&self) -> String {
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        self.text.lines().filter(is_code).map(|line| format!("{line}\n")).collect()
    }
}

fn files(root: &str) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(root);
    let mut files = Vec::new();
    gather(&root, &root, &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(files.len() > 10, "{} holds no sources", root.display());
    files
}

fn gather(root: &Path, folder: &Path, into: &mut Vec<File>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(root, &path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            into.push(File { path, text });
        }
    }
}

/// The rooms that `code` names from the crate's root, in paths and in groups.
fn named(code: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for (at, start) in code.match_indices("crate::") {
        let rest = &code[at + start.len()..];
        match rest.strip_prefix('{') {
            Some(group) => rooms.extend(heads(group)),
            None => rooms.extend([word(rest)]),
        }
    }
    // `crate::Thing` would be something of the tour itself, which holds nothing but rooms.
    rooms
}

/// The first word of each item of a group, up to its closing brace.
fn heads(group: &str) -> Vec<String> {
    let (mut depth, mut item, mut heads) = (0, String::new(), Vec::new());
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(word(std::mem::take(&mut item).trim())),
            _ if depth == 0 => item.push(c),
            _ => {}
        }
    }
    heads.push(word(item.trim()));
    heads.retain(|head| !head.is_empty());
    heads
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn no_room_names_a_room_that_is_not_below_it() {
    let mut wrong = Vec::new();
    for file in files("src") {
        let room = file.room();
        if ON_TOP.contains(&room) {
            continue;
        }
        let Some((_, below)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!("{}: the table has no room `{room}`", file.path));
            continue;
        };
        for named in named(&file.code()) {
            if named != room && !below.contains(&named.as_str()) {
                wrong.push(format!("{} names `{named}`", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_has_no_circle_and_no_room_that_is_gone() {
    for (at, (room, below)) in ROOMS.iter().enumerate() {
        for named in *below {
            let is_above = ROOMS[..at].iter().any(|(other, _)| other == named);
            assert!(is_above, "`{room}` may name `{named}`, which does not stand above it in the table");
        }
    }
    let there: BTreeSet<String> = files("src").iter().map(|file| file.room().to_owned()).collect();
    let known: BTreeSet<String> =
        ROOMS.iter().map(|(room, _)| *room).chain(ON_TOP).map(str::to_owned).collect();
    assert_eq!(there, known);
}

#[test]
fn a_group_and_a_path_are_read_alike() {
    let code = "use crate::{chat, identity::{self, Gate}, web as conventions};\nuse crate::db::Db;\nfn f(x: crate::base::Id) {}";
    let expected = ["base", "chat", "db", "identity", "web"].map(str::to_owned);
    assert_eq!(named(code), BTreeSet::from(expected));
}

fn is_store(path: &str) -> bool {
    path.ends_with("/store.rs") || path.contains("/store/") || path.starts_with("db/")
}

/// Derives alone do not ask the database anything: rows may say how they are read where they are declared.
fn asks(file: &File) -> bool {
    let code = file.code();
    let names_diesel = code.contains("use diesel") || code.contains("diesel::");
    code.contains("db::sql")
        || code.contains("sql_query")
        || (names_diesel && !file.path.ends_with("/model.rs"))
}

#[test]
fn sql_stands_in_stores_alone() {
    let asking: Vec<File> = files("src").into_iter().filter(asks).collect();
    let excepted = |path: &str| SQL.iter().any(|(file, _)| *file == path);
    let wrong: Vec<_> = asking
        .iter()
        .filter(|file| !is_store(&file.path) && !excepted(&file.path))
        .map(|f| &f.path)
        .collect();
    assert!(wrong.is_empty(), "these ask the database, and are no store: {wrong:#?}");
    for (path, _) in SQL {
        assert!(asking.iter().any(|file| file.path == path), "{path} is excepted for nothing");
    }
}

#[test]
fn only_what_an_action_causes_to_others_enters_the_second_phase() {
    let wrong: Vec<_> = files("src")
        .into_iter()
        .filter(|file| !SYSTEM.iter().any(|place| file.path.starts_with(place)))
        .filter(|file| file.code().contains("as_system") || file.code().contains("SystemTx"))
        .map(|file| file.path)
        .collect();
    assert!(wrong.is_empty(), "these act as the system: {wrong:#?}");
}

#[test]
fn a_file_says_what_it_is_for_and_is_short() {
    let mut wrong = Vec::new();
    for file in files("src").into_iter().chain(files("tests")) {
        if !file.text.starts_with("//!") {
            wrong.push(format!("{} does not open with `//!`", file.path));
        }
        let lines = file.text.lines().count();
        // What is generated is not read.
        if lines > MAX_LINES && file.path != "db/schema.rs" {
            wrong.push(format!("{} has {lines} lines: give its parts rooms", file.path));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_left_for_later_and_no_lint_is_silenced_unexplained() {
    // Put together, so that this file does not find itself.
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
    for file in files("src").into_iter().chain(files("tests")) {
        for (number, line) in (1..).zip(file.text.lines()) {
            let is_later = never.iter().any(|word| line.contains(word.as_str()));
            if is_later || line.contains(&allow) || line.contains(&inner) {
                wrong.push(format!("{}:{number}: {}", file.path, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
