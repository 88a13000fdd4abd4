//! Ensures one guichet process per folder: `flock` on `DATA_DIR/guichet.lock`, and on the cluster folder.
//!
//! The kernel releases the lock when the process dies, so a killed guichet never blocks the next. The process id in
//! the file is only for the error message; the lock decides, not the existence of the file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::wait;

const LOCK_FILE: &str = "guichet.lock";

/// Covers another command that probes the lock, and a child that inherited it between fork and exec; too
/// short for a user to notice.
const ACQUIRE_LIMIT: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub struct FolderLock(File);

impl FolderLock {
    /// Locks `DATA_DIR`. Errors: another guichet has the lock; the message contains its process id.
    pub fn lock_data_dir(data_dir: &Path) -> Result<Self> {
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
                describe_holder(&path),
                data_dir.display()
            );
        }
        file.set_len(0)
            .and_then(|()| write!(file, "{}", std::process::id()))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self(file))
    }

    pub fn lock_cluster_dir(cluster_dir: &Path) -> Result<Self> {
        let folder =
            File::open(cluster_dir).with_context(|| format!("cannot open {}", cluster_dir.display()))?;
        if !try_acquire(&folder).with_context(|| format!("cannot lock {}", cluster_dir.display()))? {
            bail!("another guichet already runs the database in {}: stop it first", cluster_dir.display());
        }
        Ok(Self(folder))
    }

    /// Whether a process has locked the folder. The check takes a shared lock for an instant.
    pub fn is_locked(data_dir: &Path) -> Result<bool> {
        let path = data_dir.join(LOCK_FILE);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error).with_context(|| format!("cannot open {}", path.display())),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error).context("cannot test the lock"),
        }
    }
}

impl Drop for FolderLock {
    /// Unlocks explicitly, because a child between fork and exec may have a copy of the file descriptor.
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "failed to unlock a folder: it stays locked until guichet exits");
        }
    }
}

fn try_acquire(file: &File) -> std::io::Result<bool> {
    let acquired = wait::poll_until(ACQUIRE_LIMIT, || match file.try_lock() {
        Ok(()) => Some(Ok(())),
        Err(TryLockError::WouldBlock) => None,
        Err(TryLockError::Error(error)) => Some(Err(error)),
    });
    acquired.transpose().map(|taken| taken.is_some())
}

fn describe_holder(path: &Path) -> String {
    match std::fs::read_to_string(path) {
        Ok(pid) if !pid.is_empty() => format!(" (process {pid})"),
        _ => String::new(),
    }
}
