//! The server process, and the thread that it is bound to.
//!
//! The kernel sends the parent-death signal when the spawning thread ends, so a dedicated thread spawns the server
//! and waits until it exits. Threads that call this module may end earlier.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::binaries::PostgresPrograms;
use super::cluster_dir::ClusterDir;
use super::log::ServerLog;
use super::os_users::OsUsers;
use super::pidfile::{FAST_SHUTDOWN_LIMIT, IMMEDIATE_SHUTDOWN_LIMIT, PidFile, ServerStatus};
use super::{EmbeddedSettings, START_LIMIT, initdb, process, url, wait};

/// Sized for a small machine. The log contains no statements or rows (personal data), and no statement errors,
/// which guichet reports itself.
const OPTIONS: [&str; 15] = [
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "cluster_name=guichet",
    "shared_buffers=64MB",
    "wal_level=minimal",
    "max_wal_senders=0",
    "min_wal_size=64MB",
    "max_wal_size=256MB",
    "jit=off",
    "logging_collector=off",
    "log_checkpoints=off",
    "log_min_messages=log",
    "log_error_verbosity=terse",
    "log_timezone=UTC",
    "timezone=UTC",
];

/// Each may lose or corrupt data if the machine crashes.
const UNSAFE_OPTIONS: [&str; 3] = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];

pub fn server_command(
    cluster_dir: &ClusterDir,
    os_users: &OsUsers,
    programs: &PostgresPrograms,
    settings: &EmbeddedSettings,
    log: &ServerLog,
) -> Result<Command> {
    let mut command = os_users.command(&programs.postgres());
    command.arg("-D").arg(cluster_dir.data());
    for option in OPTIONS.iter().chain(UNSAFE_OPTIONS.iter().filter(|_| !settings.fsync)) {
        command.args(["-c", option]);
    }
    command.args(["-c", &format!("port={}", url::PORT)]);
    command.args(["-c", &format!("max_connections={}", settings.max_connections)]);
    command.args(["-c", &format!("unix_socket_directories=\"{}\"", cluster_dir.socket_dir().display())]);
    command.args(["-c", &path_option("hba_file", &initdb::hba_file(cluster_dir))]);
    command.args(["-c", &path_option("ident_file", &initdb::ident_file(cluster_dir))]);
    command.stdout(log.writer()?).stderr(log.writer()?);
    process::signal_on_thread_exit(&mut command, Signal::SIGINT);
    Ok(command)
}

fn path_option(name: &str, path: &Path) -> String {
    format!("{name}={}", path.display())
}

#[derive(Debug)]
pub struct Postmaster {
    pid: Pid,
    data: PathBuf,
    stopping: Arc<AtomicBool>,
    ended: Receiver<std::io::Result<ExitStatus>>,
}

impl Postmaster {
    pub fn spawn(command: Command, data: PathBuf) -> Result<Self> {
        let stopping = Arc::new(AtomicBool::new(false));
        let (spawned_tx, spawned) = mpsc::sync_channel(1);
        let (ended_tx, ended) = mpsc::sync_channel(1);
        let is_stopping = Arc::clone(&stopping);
        thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || {
                let mut command = command;
                match command.spawn() {
                    Ok(child) => {
                        // Neither send blocks: each channel has room for one message.
                        let _ = spawned_tx.send(Ok(child.id()));
                        let _ = ended_tx.send(wait_for_exit(child, &is_stopping));
                    }
                    Err(error) => {
                        let _ = spawned_tx.send(Err(error));
                    }
                }
            })
            .context("cannot start the thread of PostgreSQL")?;
        let id =
            spawned.recv().context("the thread of PostgreSQL panicked")?.context("cannot run postgres")?;
        let pid = Pid::from_raw(i32::try_from(id).context("process id out of range")?);
        Ok(Self { pid, data, stopping, ended })
    }

    /// Waits until the server accepts connections. Fails as soon as the server exits.
    pub fn await_ready(&self) -> Result<()> {
        let outcome = wait::poll_until(START_LIMIT, || match self.ended.try_recv() {
            Err(TryRecvError::Empty) => self.is_ready().map(|ready| ready.then_some(())).transpose(),
            Ok(Ok(status)) => Some(Err(anyhow::anyhow!("postgres exited with {status}"))),
            Ok(Err(_)) | Err(TryRecvError::Disconnected) => Some(Err(anyhow::anyhow!("postgres exited"))),
        });
        outcome.unwrap_or_else(|| bail!("postgres is not ready after {} s", START_LIMIT.as_secs()))
    }

    /// Requests a fast shutdown, then an immediate one. The server has exited when this returns `Ok`.
    pub fn stop(&self) -> Result<()> {
        self.stopping.store(true, Ordering::Relaxed);
        let stopped = self.signal_and_wait(Signal::SIGINT, FAST_SHUTDOWN_LIMIT)?
            || self.signal_and_wait(Signal::SIGQUIT, IMMEDIATE_SHUTDOWN_LIMIT)?;
        if !stopped {
            bail!("PostgreSQL (process {}) does not stop", self.pid);
        }
        Ok(())
    }

    fn is_ready(&self) -> Result<bool> {
        let file = PidFile::read(&self.data)?;
        Ok(file.is_some_and(|file| file.pid == self.pid && file.status == ServerStatus::Ready))
    }

    fn signal_and_wait(&self, signal: Signal, limit: Duration) -> Result<bool> {
        // After the server has exited, its process id may belong to another process.
        if !matches!(self.ended.try_recv(), Err(TryRecvError::Empty)) {
            return Ok(true);
        }
        match kill(self.pid, signal) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(errno) => return Err(errno).context("cannot signal PostgreSQL"),
        }
        Ok(!matches!(self.ended.recv_timeout(limit), Err(RecvTimeoutError::Timeout)))
    }
}

impl Drop for Postmaster {
    /// Stops a server whose start failed; no effect after `stop`.
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::error!(error = format!("{error:#}"), "the embedded PostgreSQL did not stop");
        }
    }
}

fn wait_for_exit(mut child: Child, stopping: &AtomicBool) -> std::io::Result<ExitStatus> {
    let status = child.wait();
    if !stopping.load(Ordering::Relaxed) {
        tracing::error!(status = ?status, "the embedded PostgreSQL exited unexpectedly: see postgres.log");
    }
    status
}
