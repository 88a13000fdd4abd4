//! libpq URLs over a Unix socket, and the folders that can contain one.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Part of the socket's name only; nothing listens on it. Always given, against a `PGPORT` in the environment.
pub const PORT: u16 = 5432;

/// `sun_path` has 108 bytes on Linux and 104 on macOS, with the final zero.
const SOCKET_PATH_MAX_BYTES: usize = 103;

/// libpq splits hosts at commas, even encoded ones; PostgreSQL splits its folders at commas and quotes.
pub fn can_hold_socket(dir: &Path) -> bool {
    let bytes = dir.as_os_str().as_bytes();
    let name = format!("/.s.PGSQL.{PORT}");
    bytes.len() + name.len() <= SOCKET_PATH_MAX_BYTES && !bytes.iter().any(|byte| b",\"'\\".contains(byte))
}

pub fn over_socket(socket_dir: &Path, user: &str, database: &str) -> String {
    let host = encoded(socket_dir.as_os_str().as_bytes());
    let database = encoded(database.as_bytes());
    format!("postgresql://{user}@/{database}?host={host}&port={PORT}")
}

fn encoded(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 3), |mut out, &byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_keeps_whatever_the_path_and_name_hold() {
        let url = over_socket(Path::new("/a b/é?"), "guichet_app", "x&y");
        assert_eq!(url, "postgresql://guichet_app@/x%26y?host=%2Fa%20b%2F%C3%A9%3F&port=5432");
    }

    #[test]
    fn a_path_too_long_or_with_a_comma_holds_no_socket() {
        assert!(can_hold_socket(Path::new("/short")));
        assert!(!can_hold_socket(Path::new("/a,b")));
        assert!(!can_hold_socket(Path::new(&format!("/{}", "x".repeat(100)))));
    }
}
