//! The configuration as text: the effective values, and `.env.example`, which lists every variable.

use std::fmt::Write;

use super::reader::DeclaredVariable;
use super::{Config, Variables};

const EXAMPLE_HEADER: &str = "\
# Every variable that guichet reads, with its default and meaning. Written by `make env`: do not edit.
#
# Copy this file to .env and change what differs; environment variables take precedence over the file.
# An empty value means \"not set\". `guichet config` prints the effective values.
";

impl Config {
    /// The output of `guichet config`: one `NAME=value` per line, secrets masked, and whether it was set.
    pub fn render(&self) -> String {
        let width = self
            .entries
            .iter()
            .map(|entry| format_assignment(entry).chars().count())
            .max()
            .unwrap_or_default();
        self.entries.iter().fold(String::new(), |mut text, entry| {
            let origin = if entry.is_set { "set" } else { "default" };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{:<width$}  # {origin}", format_assignment(entry));
            text
        })
    }

    /// The text of `.env.example`.
    pub fn render_example() -> String {
        // An empty configuration is valid; the test of the committed file would fail otherwise.
        let entries = Self::load(&Variables::default()).map(|config| config.entries).unwrap_or_default();
        let mut text = EXAMPLE_HEADER.to_owned();
        let mut section = "";
        for entry in &entries {
            if entry.section != section {
                section = entry.section;
                let _ = write!(text, "\n\n#{section}\n");
            }
            let _ = write!(text, "\n{}", format_example(entry));
        }
        text
    }
}

fn format_assignment(entry: &DeclaredVariable) -> String {
    format!("{}={}", entry.name, entry.display_text)
}

fn format_example(entry: &DeclaredVariable) -> String {
    let mut text: String = entry.doc.iter().map(|line| format!("#{line}\n")).collect();
    if let Some(range) = &entry.range {
        let _ = writeln!(text, "# Allowed: {range}.");
    }
    let _ = writeln!(text, "{}={}", entry.name, entry.default);
    text
}
