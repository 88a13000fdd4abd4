//! The source of values: the process environment and a `.env` file, or a list in tests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::fault::ConfigFault;

/// Names and values before parsing.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    values: BTreeMap<String, String>,
    not_utf8: BTreeSet<String>,
    faults: Vec<ConfigFault>,
}

impl Variables {
    /// Reads `.env` of the working directory, if it exists, then the process environment, which takes precedence.
    pub fn from_env() -> Self {
        let mut variables = Self::default();
        variables.read_file(Path::new(".env"));
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                // An empty environment variable also replaces the value of the file: it means "not set".
                Ok(value) => drop(variables.values.insert(name, value)),
                Err(_) => drop(variables.not_utf8.insert(name)),
            }
        }
        variables
    }

    /// The values of a `.env` file only. A missing file counts as empty.
    pub fn from_file(path: &Path) -> Self {
        let mut variables = Self::default();
        variables.read_file(path);
        variables
    }

    /// The value of `name`; an empty one counts as not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    pub(super) fn is_not_utf8(&self, name: &str) -> bool {
        self.not_utf8.contains(name)
    }

    pub(super) fn faults(&self) -> &[ConfigFault] {
        &self.faults
    }

    fn read_file(&mut self, path: &Path) {
        let entries = match dotenvy::from_path_iter(path) {
            Ok(entries) => entries,
            Err(error) if error.not_found() => return,
            Err(error) => return self.add_file_fault(path, format!("cannot be read: {error}")),
        };
        let mut last_name = None;
        for entry in entries {
            match entry {
                Ok((name, value)) => {
                    last_name = Some(name.clone());
                    self.values.insert(name, value);
                }
                Err(dotenvy::Error::Io(error)) => {
                    return self.add_file_fault(path, format!("cannot be read: {error}"));
                }
                // The line may contain a secret, so the message states only its position.
                Err(_) => {
                    let position = match &last_name {
                        Some(name) => format!("the entry after {name}"),
                        None => "its first entry".to_owned(),
                    };
                    self.add_file_fault(path, format!("{position} is not of the form NAME=value"));
                }
            }
        }
    }

    fn add_file_fault(&mut self, path: &Path, message: String) {
        self.faults.push(ConfigFault { variable: path.display().to_string(), message });
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let values = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { values, ..Self::default() }
    }
}

impl<const COUNT: usize> From<[(&str, &str); COUNT]> for Variables {
    fn from(pairs: [(&str, &str); COUNT]) -> Self {
        pairs.into_iter().collect()
    }
}
