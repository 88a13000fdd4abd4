//! Finds the PostgreSQL programs: only in `GUICHET_PG_BIN` if set, else on `PATH`, in Debian's folders (highest version
//! first), and in Homebrew's. Nothing is ever downloaded.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};

use super::os_users::OsUsers;

const BIN_VARIABLE: &str = "GUICHET_PG_BIN";

const BREW_ROOTS: [&str; 3] = ["/opt/homebrew/opt", "/usr/local/opt", "/home/linuxbrew/.linuxbrew/opt"];

/// A folder with the programs `postgres` and `initdb`; `postgres --version` ran successfully.
#[derive(Debug, Clone)]
pub struct PostgresPrograms {
    dir: PathBuf,
    major: u32,
}

impl PostgresPrograms {
    /// Finds the first folder whose programs the server's user can run, with major version `needed` if given: only the
    /// major version that created a cluster can open it.
    pub fn find(os_users: &OsUsers, required_major: Option<u32>) -> Result<Self> {
        let configured = env::var_os(BIN_VARIABLE).filter(|dir| !dir.is_empty()).map(PathBuf::from);
        let candidates = configured.map_or_else(candidate_dirs, |dir| vec![dir]);
        let mut rejected = Vec::new();
        for dir in candidates.iter().filter(|dir| contains_programs(dir)) {
            match query_major_version(dir, os_users) {
                Some(major) if required_major.is_none_or(|needed| needed == major) => {
                    return Ok(Self { dir: dir.clone(), major });
                }
                major => rejected.push((dir.clone(), major)),
            }
        }
        Err(not_found_error(required_major, &rejected))
    }

    pub fn postgres(&self) -> PathBuf {
        self.dir.join("postgres")
    }

    pub fn initdb(&self) -> PathBuf {
        self.dir.join("initdb")
    }

    pub fn major(&self) -> u32 {
        self.major
    }
}

fn candidate_dirs() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut dirs: Vec<PathBuf> = env::split_paths(&path).filter(|dir| dir.is_absolute()).collect();
    dirs.extend(versions_below(Path::new("/usr/lib/postgresql"), ""));
    for root in BREW_ROOTS {
        dirs.extend(versions_below(Path::new(root), "postgresql"));
    }
    dirs
}

/// The `bin` folders of `<root>/<prefix>[@]<version>`, highest version first; those without a number last.
fn versions_below(root: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version = name.strip_prefix(prefix)?.trim_start_matches('@');
            Some((version.parse().unwrap_or(0), entry.path().join("bin")))
        })
        .collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    versions.into_iter().map(|(_, dir)| dir).collect()
}

fn contains_programs(dir: &Path) -> bool {
    dir.join("postgres").is_file() && dir.join("initdb").is_file()
}

/// `None` if the program does not run: wrong architecture, missing library, or no access for the user.
fn query_major_version(dir: &Path, os_users: &OsUsers) -> Option<u32> {
    let output = os_users.command(&dir.join("postgres")).arg("--version").output().ok()?;
    parse_major(&String::from_utf8_lossy(&output.stdout))
}

/// The major version in `postgres (PostgreSQL) 15.18 (Debian …)`, or `18beta1`.
fn parse_major(version: &str) -> Option<u32> {
    let number = version.split_once(") ")?.1;
    let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number.get(..end)?.parse().ok()
}

fn not_found_error(needed: Option<u32>, found: &[(PathBuf, Option<u32>)]) -> anyhow::Error {
    let descriptions: Vec<String> = found
        .iter()
        .map(|(dir, major)| match major {
            Some(major) => format!("PostgreSQL {major} in {}", dir.display()),
            None => format!("one in {} that does not run", dir.display()),
        })
        .collect();
    let seen = if descriptions.is_empty() { "none".to_owned() } else { descriptions.join(", ") };
    let places = match env::var_os(BIN_VARIABLE) {
        Some(dir) if !dir.is_empty() => format!("{BIN_VARIABLE}={}", dir.display()),
        _ => "PATH, /usr/lib/postgresql/*/bin and Homebrew".to_owned(),
    };
    match needed {
        Some(major) => anyhow!(
            "the database in DATA_DIR was created by PostgreSQL {major}, and only that major version can open it; \
             looked in {places}, found {seen}. Install PostgreSQL {major} (Debian, Ubuntu: apt-get install \
             postgresql-{major}; macOS: brew install postgresql@{major}) or set {BIN_VARIABLE} to the folder of its \
             programs; or set DATA_DIR to another folder to start with an empty database"
        ),
        None => anyhow!(
            "guichet runs its own PostgreSQL and needs its programs `postgres` and `initdb`; looked in {places}, \
             found {seen}. Install them (Debian, Ubuntu: apt-get install postgresql; Fedora: dnf install \
             postgresql-server; Alpine: apk add postgresql; macOS: brew install postgresql@17), or set {BIN_VARIABLE} \
             to the folder that holds them, or DATABASE_URL to use an existing PostgreSQL server"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_every_form() {
        assert_eq!(parse_major("postgres (PostgreSQL) 15.18 (Debian 15.18-1)\n"), Some(15));
        assert_eq!(parse_major("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(parse_major("sh: not found"), None);
    }

    #[test]
    fn without_programs_the_error_says_what_to_install() {
        let text = not_found_error(None, &[]).to_string();
        assert!(text.contains("apt-get install postgresql;") && text.contains("brew install"), "{text}");
    }

    #[test]
    fn higher_versions_come_first() {
        let root = tempfile::tempdir().unwrap();
        for name in ["postgresql@9", "postgresql@17", "postgresql", "other@99"] {
            fs::create_dir(root.path().join(name)).unwrap();
        }
        let found = versions_below(root.path(), "postgresql");
        let expected =
            ["postgresql@17", "postgresql@9", "postgresql"].map(|n| root.path().join(n).join("bin"));
        assert_eq!(found, expected);
    }
}
