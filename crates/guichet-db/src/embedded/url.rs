//! libpq URLs over a Unix socket, and which folders can contain a socket.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Only part of the socket's file name; nothing listens on TCP. Always in the URL, so that `PGPORT` has no effect.
pub const PORT: u16 = 5432;

/// `sun_path` has 108 bytes on Linux and 104 on macOS, including the terminating NUL.
const SOCKET_PATH_MAX_BYTES: usize = 103;

/// Whether the socket path fits `sun_path`, and contains no comma (a libpq separator, even encoded) or quote.
pub fn can_contain_socket(dir: &Path) -> bool {
    let bytes = dir.as_os_str().as_bytes();
    let name = format!("/.s.PGSQL.{PORT}");
    bytes.len() + name.len() <= SOCKET_PATH_MAX_BYTES && !bytes.iter().any(|byte| b",\"'\\".contains(byte))
}

pub fn unix_socket_url(socket_dir: &Path, user: &str, database: &str) -> String {
    let host = percent_encode(socket_dir.as_os_str().as_bytes());
    let database = percent_encode(database.as_bytes());
    format!("postgresql://{user}@/{database}?host={host}&port={PORT}")
}

fn percent_encode(bytes: &[u8]) -> String {
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
        let url = unix_socket_url(Path::new("/a b/é?"), "guichet_app", "x&y");
        assert_eq!(url, "postgresql://guichet_app@/x%26y?host=%2Fa%20b%2F%C3%A9%3F&port=5432");
    }

    #[test]
    fn a_path_too_long_or_with_a_comma_holds_no_socket() {
        assert!(can_contain_socket(Path::new("/short")));
        assert!(!can_contain_socket(Path::new("/a,b")));
        assert!(!can_contain_socket(Path::new(&format!("/{}", "x".repeat(100)))));
    }
}
