//! The service as users run it: a separate process with its own PostgreSQL, fsync on.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use guichet_db::embedded::{Cluster, LoginRole};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, SysconfVar, sysconf};

use crate::http::Http;

pub const SECRET: &str = "a secret for the benchmark, longer than thirty-two bytes";
pub const DATABASE: &str = "guichet";
pub const BINARY: &str = env!("CARGO_BIN_EXE_guichet");
const START_LIMIT: Duration = Duration::from_secs(120);

/// A data folder that is deleted at the end of the run.
pub struct Folder(PathBuf);

impl Folder {
    /// Accessible to others, since PostgreSQL may run as another user.
    pub fn make() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("guichet-bench-{}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The log of the service, to find out why a run failed.
    pub fn log(&self) -> String {
        fs::read_to_string(self.0.join("guichet.log")).unwrap_or_default()
    }

    pub fn postgres_log(&self) -> PathBuf {
        self.0.join("postgres.log")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("bench: {} stays behind: {error}", self.0.display());
        }
    }
}

pub struct Service {
    child: Child,
    pub address: SocketAddr,
    pub cluster: Cluster,
    pub postgres_log: PathBuf,
    /// From the start of the process to the first successful readiness check.
    pub ready_after: Duration,
}

impl Service {
    pub async fn start(folder: &Folder) -> Result<Self> {
        let address = free_address()?;
        let log = File::create(folder.path().join("guichet.log"))?;
        let started = Instant::now();
        let mut child = Command::new(BINARY)
            .arg("serve")
            .current_dir(folder.path())
            .env("DATA_DIR", folder.path())
            .env("BIND", address.to_string())
            .env("JWT_SECRET", SECRET)
            .env("JIT_USERS", "false")
            .env("NOTIFICATION_WS_MAX_CONN", "1000")
            .env("NOTIFICATION_LOG_LEVEL", "warn")
            .envs(
                ["RATE_LIMIT_RPS", "RATE_LIMIT_SERVICE_RPS", "RATE_LIMIT_ANON_RPS", "WS_FRAMES_PER_10S"]
                    .map(|n| (n, "0")),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("the service could not be started")?;
        if let Err(error) = ready(&mut child, address).await {
            let _ = child.kill();
            return Err(error);
        }
        let ready_after = started.elapsed();
        let cluster =
            Cluster::connect_running(folder.path())?.context("the embedded PostgreSQL is not there")?;
        Ok(Self { child, address, cluster, postgres_log: folder.postgres_log(), ready_after })
    }

    pub async fn restart(self, folder: &Folder) -> Result<Self> {
        self.stop().await?;
        Self::start(folder).await
    }

    /// `kill -9` of the service, which also ends PostgreSQL; then starts another on the same folder.
    pub async fn kill_and_start(mut self, folder: &Folder) -> Result<Self> {
        self.child.kill()?;
        self.child.wait()?;
        drop(self);
        Self::start(folder).await
    }

    pub async fn stop(mut self) -> Result<()> {
        kill(self.pid()?, Signal::SIGTERM)?;
        let asked = Instant::now();
        while self.child.try_wait()?.is_none() {
            ensure!(asked.elapsed() < START_LIMIT, "the service does not stop");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    fn pid(&self) -> Result<Pid> {
        Ok(Pid::from_raw(self.child.id().try_into()?))
    }

    /// CPU time of the service without PostgreSQL.
    pub fn cpu(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, rest) = stat.rsplit_once(") ").context("an unknown form of /proc/*/stat")?;
        let mut ticks = rest.split(' ').skip(11).take(2);
        let mut next = || ticks.next().and_then(|word| word.parse::<u64>().ok()).context("no ticks");
        Ok(Duration::from_millis((next()? + next()?) * 1000 / ticks_per_second()?))
    }

    /// Resident memory of the service in KiB.
    pub fn memory_kib(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        line.trim().trim_end_matches("kB").trim().parse().context("no size")
    }

    /// Its maximum since `forget_peak`.
    pub fn peak_memory_kib(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        line.trim().trim_end_matches("kB").trim().parse().context("no size")
    }

    pub fn forget_peak(&self) -> Result<()> {
        Ok(fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5")?)
    }

    /// CPU time of PostgreSQL: the postmaster and its children, including those that have ended.
    pub fn postgres_cpu(&self) -> Result<Duration> {
        let all = processes()?;
        let service = u64::from(self.child.id());
        let (postmaster, _) =
            all.iter().find(|(_, fields)| fields.get(1) == Some(&service)).context("no postmaster")?;
        let ticks = all.iter().map(|(pid, fields)| {
            let sum = |range: std::ops::Range<usize>| fields.get(range).map_or(0, |f| f.iter().sum::<u64>());
            if pid == postmaster {
                sum(11..15)
            } else if fields.get(1) == Some(postmaster) {
                sum(11..13)
            } else {
                0
            }
        });
        Ok(Duration::from_millis(ticks.sum::<u64>() * 1000 / ticks_per_second()?))
    }

    pub fn admin_url(&self) -> String {
        self.cluster.url(LoginRole::Admin, DATABASE)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None))
            && let Ok(pid) = self.pid()
        {
            let _ = kill(pid, Signal::SIGTERM);
            let _ = self.child.wait();
        }
    }
}

/// Each process, and the fields of its `stat` after the name.
fn processes() -> Result<Vec<(u64, Vec<u64>)>> {
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        // Some processes end meanwhile.
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        if let Some((_, rest)) = stat.rsplit_once(") ") {
            all.push((pid, rest.split(' ').map(|word| word.parse().unwrap_or(0)).collect()));
        }
    }
    Ok(all)
}

fn ticks_per_second() -> Result<u64> {
    Ok(sysconf(SysconfVar::CLK_TCK)?.and_then(|n| u64::try_from(n).ok()).unwrap_or(100))
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

async fn ready(child: &mut Child, address: SocketAddr) -> Result<()> {
    let started = Instant::now();
    loop {
        if let Ok(mut http) = Http::connect(address).await
            && http.get("/readyz", "").await.is_ok()
        {
            return Ok(());
        }
        if let Some(status) = child.try_wait()? {
            bail!("the service ended by itself: {status}");
        }
        ensure!(started.elapsed() < START_LIMIT, "the service does not become ready");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
