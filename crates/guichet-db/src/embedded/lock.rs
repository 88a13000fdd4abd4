//! One guichet per folder: `flock` on `DATA_DIR/guichet.lock`, and on the cluster's home.
//!
//! The kernel releases the lock when the process dies, so a killed guichet never blocks the next. The number in the
//! file only serves the message; the lock counts, not the file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::wait;

const LOCK_FILE: &str = "guichet.lock";

/// Long enough for another command to probe the lock, or for a child that inherited it between fork and exec; too
/// short to notice.
const ACQUIRE_LIMIT: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub struct FolderLock(File);

impl FolderLock {
    /// Errors: another guichet holds the folder; the message names its process.
    pub fn on_folder(data_dir: &Path) -> Result<Self> {
        let path = data_dir.join(LOCK_FILE);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        if !try_acquire(&file).with_context(|| format!("cannot lock {}", path.display()))? {
            bail!(
                "another guichet{} already runs on {}: stop it first, or set DATA_DIR to another folder",
                holder(&path),
                data_dir.display()
            );
        }
        file.set_len(0)
            .and_then(|()| write!(file, "{}", std::process::id()))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self(file))
    }

    pub fn on_home(home: &Path) -> Result<Self> {
        let folder = File::open(home).with_context(|| format!("cannot open {}", home.display()))?;
        if !try_acquire(&folder).with_context(|| format!("cannot lock {}", home.display()))? {
            bail!("another guichet already runs the database in {}: stop it first", home.display());
        }
        Ok(Self(folder))
    }

    /// Whether a process holds the folder. Probing takes a shared lock for an instant.
    pub fn is_held(data_dir: &Path) -> Result<bool> {
        let path = data_dir.join(LOCK_FILE);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error).with_context(|| format!("cannot open {}", path.display())),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error).context("cannot look at the lock"),
        }
    }
}

impl Drop for FolderLock {
    /// Unlocks explicitly: a child between fork and exec may hold a copy of the file.
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "a folder stays locked until guichet ends");
        }
    }
}

fn try_acquire(file: &File) -> std::io::Result<bool> {
    let taken = wait::poll_until(ACQUIRE_LIMIT, || match file.try_lock() {
        Ok(()) => Some(Ok(())),
        Err(TryLockError::WouldBlock) => None,
        Err(TryLockError::Error(error)) => Some(Err(error)),
    });
    taken.transpose().map(|taken| taken.is_some())
}

fn holder(path: &Path) -> String {
    match std::fs::read_to_string(path) {
        Ok(pid) if !pid.is_empty() => format!(" (process {pid})"),
        _ => String::new(),
    }
}
