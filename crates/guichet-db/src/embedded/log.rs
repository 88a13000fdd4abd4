//! `DATA_DIR/postgres.log`: the log of the server. Above 8 MiB it is renamed to `postgres.log.1` at the next start.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// Number of last lines that an error message of a failed start contains.
const MAX_SHOWN_LINES: usize = 12;

pub struct ServerLog {
    file: File,
    start_offset: u64,
}

pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("postgres.log")
}

/// Opens the log. guichet opens it and passes it to the server, whose user may not be able to enter `DATA_DIR`.
pub fn open(data_dir: &Path) -> Result<ServerLog> {
    let path = path(data_dir);
    let open = || -> std::io::Result<ServerLog> {
        if fs::metadata(&path).is_ok_and(|metadata| metadata.len() > MAX_BYTES) {
            fs::rename(&path, path.with_extension("log.1"))?;
        }
        let file = OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(&path)?;
        let start = file.metadata()?.len();
        Ok(ServerLog { file, start_offset: start })
    };
    open().with_context(|| format!("cannot open {}", path.display()))
}

impl ServerLog {
    pub fn writer(&self) -> Result<File> {
        self.file.try_clone().context("cannot duplicate the log file handle of PostgreSQL")
    }

    /// The last lines since this log was opened.
    pub fn lines_since_start(&self) -> String {
        let mut bytes = Vec::new();
        let mut file = &self.file;
        let read = file
            .seek(SeekFrom::Start(self.start_offset))
            .and_then(|_| file.take(MAX_BYTES).read_to_end(&mut bytes));
        match read {
            Ok(_) => last_lines(&String::from_utf8_lossy(&bytes)),
            Err(error) => format!("(its log cannot be read: {error})"),
        }
    }
}

pub fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let first_shown = lines.len().saturating_sub(MAX_SHOWN_LINES);
    lines.get(first_shown..).unwrap_or_default().join("\n")
}
