//! The service as a child process: started, stopped, killed, and started again on the same port and folder.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use super::ports::Port;

const LIMIT: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(10);
const LOG_TAIL_LINES: usize = 60;

/// Killed when dropped. Its warnings and errors are shown when the test fails.
pub struct Service {
    pub port: Port,
    folder: TempDir,
    child: Option<Child>,
}

impl Service {
    /// A new one on an empty folder, ready.
    pub async fn start() -> Result<Self> {
        let mut service = Self::unstarted()?;
        service.start_again().await?;
        Ok(service)
    }

    /// An empty folder and a port.
    pub fn unstarted() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        // So that the user of the embedded PostgreSQL can enter.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        Ok(Self { port: Port::take()?, folder, child: None })
    }

    pub async fn start_again(&mut self) -> Result<()> {
        self.spawn()?;
        self.ready().await
    }

    /// Does not wait until it is ready.
    pub fn spawn(&mut self) -> Result<()> {
        let log = OpenOptions::new().create(true).append(true).open(self.log_file())?;
        self.child = Some(self.command("serve").stdout(Stdio::null()).stderr(log).spawn()?);
        Ok(())
    }

    /// As `make run` starts it, ready; its printed text is in `tour`.
    pub async fn start_demo(&mut self) -> Result<()> {
        let log = OpenOptions::new().create(true).append(true).open(self.log_file())?;
        let tour = fs::File::create(self.tour_file())?;
        self.child = Some(self.command("serve").arg("--demo").stdout(tour).stderr(log).spawn()?);
        self.ready().await
    }

    /// The output of `serve --demo`, once complete.
    pub fn tour(&self) -> Result<String> {
        let deadline = Instant::now() + LIMIT;
        loop {
            let tour = fs::read_to_string(self.tour_file())?;
            if tour.ends_with("/messages\n\n") {
                return Ok(tour);
            }
            ensure!(Instant::now() < deadline, "the tour is not whole:\n{tour}");
            std::thread::park_timeout(LOOK_EVERY);
        }
    }

    fn tour_file(&self) -> PathBuf {
        self.folder.path().join("tour")
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port.number)
    }

    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The demo tenant, from `guichet seed --json`.
    pub fn seed(&self) -> Result<Value> {
        let output = self.command("seed").arg("--json").output()?;
        ensure!(output.status.success(), "seed failed: {}", String::from_utf8_lossy(&output.stderr));
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Stops it like a supervisor. Returns when it has ended.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        let mut child = self.child.take().context("not running")?;
        kill(pid(&child)?, Signal::SIGTERM)?;
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                child.kill()?;
                child.wait()?;
                bail!("the service did not stop");
            }
            std::thread::park_timeout(LOOK_EVERY);
        }
    }

    /// `kill -9`.
    pub fn kill(&mut self) -> Result<()> {
        let mut child = self.child.take().context("not running")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Waits until no process uses the folder any more.
    pub fn leaves_no_orphan(&self) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        while let Some(found) = process_naming(&self.data_dir())? {
            ensure!(Instant::now() < deadline, "left behind: {found}");
            std::thread::park_timeout(LOOK_EVERY);
        }
        Ok(())
    }

    async fn ready(&mut self) -> Result<()> {
        let client = super::api::http()?;
        let deadline = Instant::now() + LIMIT;
        loop {
            let answer = client.get(format!("{}/readyz", self.url())).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if let Some(status) = self.child.as_mut().context("not running")?.try_wait()? {
                bail!("the service ended: {status}\n{}", self.log_tail());
            }
            ensure!(Instant::now() < deadline, "the service is not ready\n{}", self.log_tail());
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// With an empty environment, except what finds programs and collects coverage.
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guichet"));
        let kept = ["PATH", "HOME", "GUICHET_PG_BIN", "LLVM_PROFILE_FILE"];
        command
            .arg(name)
            .env_clear()
            .envs(kept.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .env("DATA_DIR", self.data_dir())
            .env("BIND", format!("127.0.0.1:{}", self.port.number))
            .envs(["RATE_LIMIT_RPS", "RATE_LIMIT_ANON_RPS", "WS_FRAMES_PER_10S"].map(|name| (name, "0")))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn log_tail(&self) -> String {
        self.last_lines(|_| true)
    }

    fn complaints(&self) -> String {
        self.last_lines(|line| line.contains("\"WARN\"") || line.contains("\"ERROR\""))
    }

    fn last_lines(&self, are_wanted: fn(&str) -> bool) -> String {
        let log = fs::read_to_string(self.log_file()).unwrap_or_default();
        let lines: Vec<_> = log.lines().filter(|line| are_wanted(line)).collect();
        lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.kill();
        // PostgreSQL ends by itself before its folder is deleted.
        let _ = self.leaves_no_orphan();
        let complaints = self.complaints();
        if !complaints.is_empty() {
            println!("what the service complained of:\n{complaints}");
        }
    }
}

fn pid(child: &Child) -> Result<Pid> {
    Ok(Pid::from_raw(child.id().try_into()?))
}

/// From the process table, not from files.
fn process_naming(folder: &Path) -> Result<Option<String>> {
    let folder = folder.display().to_string();
    for entry in fs::read_dir("/proc")?.flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(&folder) {
            return Ok(Some(line));
        }
    }
    Ok(None)
}
