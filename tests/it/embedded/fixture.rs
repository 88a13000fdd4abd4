//! A data folder of the test, and other processes that start a server on it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use guichet_db::embedded::{Cluster, EmbeddedSettings, LoginRole};
use nix::unistd::Pid;
use tempfile::TempDir;

pub const CHILD_FOLDER: &str = "GUICHET_TEST_CHILD_FOLDER";
const LIMIT: Duration = Duration::from_secs(60);

pub struct Folder(TempDir);

impl Folder {
    /// A folder that the server's user can enter.
    pub fn open() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        Ok(Self(folder))
    }

    pub fn closed() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700))?;
        Ok(Self(folder))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn settings(&self) -> EmbeddedSettings {
        settings(self.path())
    }

    pub fn start(&self) -> Result<Cluster> {
        Cluster::start(&self.settings())
    }

    pub fn refusal(&self) -> Result<String> {
        match self.start() {
            Ok(_) => bail!("the start was not refused"),
            Err(error) => Ok(format!("{error:#}")),
        }
    }

    pub fn home(&self) -> Result<PathBuf> {
        let noted = read(&self.path().join("postgres.path"))?;
        Ok(if noted.is_empty() { self.path().join("postgres") } else { PathBuf::from(noted.trim()) })
    }

    /// The process that serves this folder, from the process table.
    pub fn server(&self) -> Result<Option<Pid>> {
        let wanted = format!("-D\0{}\0", self.home()?.join("data").display());
        for entry in fs::read_dir("/proc")?.flatten() {
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            if String::from_utf8_lossy(&line).contains(&wanted) {
                let name = entry.file_name();
                return Ok(Some(Pid::from_raw(name.to_string_lossy().parse()?)));
            }
        }
        Ok(None)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Ok(home) = self.home()
            && home.starts_with("/var/tmp/")
        {
            let _ = fs::remove_dir_all(home);
        }
    }
}

/// A child process, killed at the end of the test.
pub struct Owner(pub Child);

impl Owner {
    /// Returns once it owns a running server.
    pub fn spawn(command: &mut Command) -> Result<Self> {
        let mut owner = Self(command.stdout(Stdio::piped()).spawn()?);
        let output = BufReader::new(owner.0.stdout.take().context("no output")?);
        for line in output.lines() {
            if line? == "started" {
                return Ok(owner);
            }
        }
        bail!("the other process did not start its server")
    }

    pub fn kill(&mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

pub fn child(data_dir: &Path) -> Result<Command> {
    Ok(child_running(&std::env::current_exe()?, data_dir))
}

pub fn child_running(program: &Path, data_dir: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--exact", "embedded::another_process", "--nocapture"])
        .env(CHILD_FOLDER, data_dir)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub fn settings(data_dir: &Path) -> EmbeddedSettings {
    EmbeddedSettings { data_dir: data_dir.to_owned(), fsync: false, max_connections: 20 }
}

pub fn query(cluster: &Cluster, sql: &str) -> Result<()> {
    let mut connection = PgConnection::establish(&cluster.url(LoginRole::Admin, "postgres"))?;
    Ok(connection.batch_execute(sql)?)
}

/// Empty if there is no such file.
pub fn read(path: &Path) -> Result<String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        other => Ok(other?),
    }
}

pub fn until(what: &str, mut condition: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + LIMIT;
    while !condition()? {
        ensure!(Instant::now() < deadline, "waited too long for {what}");
        thread::park_timeout(Duration::from_millis(5));
    }
    Ok(())
}
