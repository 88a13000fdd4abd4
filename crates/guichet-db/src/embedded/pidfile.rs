//! `postmaster.pid`: which process serves a cluster, and its state.
//!
//! Its process id may have been reused, so a process counts as the server only if its command line runs postgres on
//! this data folder.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::wait;

/// How long to wait after SIGINT, which ends sessions and writes a checkpoint.
pub const FAST_SHUTDOWN_LIMIT: Duration = Duration::from_secs(15);

/// How long to wait after SIGQUIT, which aborts at once; the next start replays the write-ahead log.
pub const IMMEDIATE_SHUTDOWN_LIMIT: Duration = Duration::from_secs(10);

/// How long sessions of a killed postmaster may take to notice its end.
const SESSIONS_END_LIMIT: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerStatus {
    Ready,
    NotReady,
}

#[derive(Debug)]
pub struct PidFile {
    pub pid: Pid,
    pub status: ServerStatus,
    shared_memory_id: Option<u64>,
    data: PathBuf,
}

impl PidFile {
    pub fn read(data: &Path) -> Result<Option<Self>> {
        let path = path(data);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Self::parse(data, &text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Line 1 is the process id, line 7 the shared memory (key and id), line 8 the state. A file that is still being
    /// written may lack the last ones; the process id is negative for a server without clients (initdb's).
    fn parse(data: &Path, text: &str) -> Option<Self> {
        let pid: i32 = text.lines().next()?.trim().parse().ok()?;
        let shared_memory = text.lines().nth(6).and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
        let ready = text.lines().nth(7).is_some_and(|line| line.trim() == "ready");
        Some(Self {
            pid: Pid::from_raw(pid.saturating_abs()),
            status: if ready { ServerStatus::Ready } else { ServerStatus::NotReady },
            shared_memory_id: shared_memory,
            data: data.to_owned(),
        })
    }

    pub fn is_server_running(&self) -> bool {
        self.pid.as_raw() > 1 && command_line(self.pid).is_some_and(|words| is_server_of(&words, &self.data))
    }

    /// Whether processes are attached to its shared memory. PostgreSQL then refuses to start, to protect the data.
    fn has_sessions(&self) -> bool {
        let Some(id) = self.shared_memory_id else { return false };
        // shmid is the second column, the number of attached processes the seventh.
        let table = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
        table.lines().skip(1).any(|line| {
            let mut columns = line.split_whitespace().map(str::parse);
            columns.nth(1) == Some(Ok(id)) && columns.nth(4).is_some_and(|attached| attached != Ok(0))
        })
    }

    fn signal_and_wait(&self, signal: Signal, limit: Duration) -> Result<bool> {
        match kill(self.pid, signal) {
            Ok(()) | Err(Errno::ESRCH) => Ok(wait::becomes_true(limit, || !self.is_server_running())),
            Err(errno) => Err(errno).context("cannot signal the orphaned PostgreSQL"),
        }
    }
}

/// Stops the server of a killed guichet, and waits until it has ended. The caller has locked the
/// folder, so a server that still runs is an orphan.
pub fn stop_orphan(data: &Path) -> Result<()> {
    let Some(file) = PidFile::read(data)? else { return Ok(()) };
    if file.is_server_running() {
        tracing::info!(
            postgres.pid = file.pid.as_raw(),
            "stopping the orphaned PostgreSQL of a killed guichet"
        );
        let stopped = file.signal_and_wait(Signal::SIGINT, FAST_SHUTDOWN_LIMIT)?
            || file.signal_and_wait(Signal::SIGQUIT, IMMEDIATE_SHUTDOWN_LIMIT)?;
        ensure!(stopped, "PostgreSQL (process {}) on {} does not stop", file.pid, data.display());
    }
    let sessions_ended = wait::becomes_true(SESSIONS_END_LIMIT, || !file.has_sessions());
    if sessions_ended {
        remove_stale_file(data, &file)?;
    }
    Ok(())
}

/// Removes a PID file whose process id was reused; PostgreSQL would mistake that process for a server and not start.
fn remove_stale_file(data: &Path, file: &PidFile) -> Result<()> {
    let is_unchanged = PidFile::read(data)?.is_some_and(|left| left.pid == file.pid);
    if is_unchanged && kill(file.pid, None).is_ok() && !file.is_server_running() {
        let path = path(data);
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

fn path(data: &Path) -> PathBuf {
    data.join("postmaster.pid")
}

fn is_server_of(arguments: &[String], data: &Path) -> bool {
    let is_postgres = arguments.first().is_some_and(|program| Path::new(program).ends_with("postgres"));
    let is_data_dir_option =
        |pair: &[String]| matches!(pair, [flag, dir] if flag == "-D" && Path::new(dir) == data);
    is_postgres && arguments.windows(2).any(is_data_dir_option)
}

/// The command line of a process, readable by any user. Contains no program for a zombie.
#[cfg(target_os = "linux")]
fn command_line(pid: Pid) -> Option<Vec<String>> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    Some(line.split(|&byte| byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect())
}

/// Splits arguments at spaces, so a server whose data folder has a space in its path is not recognized.
#[cfg(not(target_os = "linux"))]
fn command_line(pid: Pid) -> Option<Vec<String>> {
    let output =
        std::process::Command::new("ps").args(["-ww", "-o", "command=", "-p", &pid.to_string()]).output();
    Some(String::from_utf8_lossy(&output.ok()?.stdout).split_whitespace().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "4242\n/d\n1700000000\n5432\n/s\n\n  1234567        98\nready   \n";

    #[test]
    fn the_file_of_a_ready_server_is_read() {
        let file = PidFile::parse(Path::new("/d"), FILE).unwrap();
        assert_eq!(
            (file.pid.as_raw(), file.status, file.shared_memory_id),
            (4242, ServerStatus::Ready, Some(98))
        );
    }

    #[test]
    fn a_file_half_written_is_not_ready() {
        let file = PidFile::parse(Path::new("/d"), "4242\n/d\n").unwrap();
        assert_eq!((file.status, file.shared_memory_id), (ServerStatus::NotReady, None));
        assert!(PidFile::parse(Path::new("/d"), "").is_none());
    }

    #[test]
    fn only_a_postgres_on_this_folder_is_the_server() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert!(is_server_of(&words("/usr/bin/postgres -D /d -c x=y"), Path::new("/d")));
        assert!(!is_server_of(&words("/usr/bin/postgres -D /other"), Path::new("/d")));
        assert!(!is_server_of(&words("vi -D /d"), Path::new("/d")));
        assert!(!is_server_of(&words(""), Path::new("/d")));
    }
}
