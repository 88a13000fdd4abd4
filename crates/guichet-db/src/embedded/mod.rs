//! The embedded PostgreSQL: found, initialized, started and stopped by guichet itself.
//!
//! Invariants:
//! - one guichet per `DATA_DIR`, ensured by a lock that the kernel releases when its process dies;
//! - no orphan: when guichet ends in any way, the server receives SIGINT (fast shutdown), on Linux from the kernel;
//! - no TCP port and no password: a Unix socket that only guichet's operating-system user may use;
//! - data is never deleted, except an unfinished initialization (`data.new`).

mod binaries;
mod cluster_dir;
mod initdb;
mod lock;
mod log;
mod os_users;
mod pidfile;
mod postmaster;
mod process;
mod url;
mod wait;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use parking_lot::Mutex;

use binaries::PostgresPrograms;
use cluster_dir::ClusterDir;
use lock::FolderLock;
use os_users::OsUsers;
use pidfile::{PidFile, ServerStatus};
use postmaster::Postmaster;

/// How long a starting server may take until it accepts connections; other commands wait as long for it.
const START_LIMIT: Duration = Duration::from_secs(120);

#[derive(Debug, Clone)]
pub struct EmbeddedSettings {
    pub data_dir: PathBuf,
    /// `false` in tests only: a power failure may then lose or corrupt the data.
    pub fsync: bool,
    pub max_connections: u16,
}

/// Login roles. Only `Admin` exists after [`Cluster::start`]; the migrations create the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginRole {
    Admin,
    Owner,
    App,
    Worker,
}

impl LoginRole {
    const ALL: [Self; 4] = [Self::Admin, Self::Owner, Self::App, Self::Worker];

    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "guichet_super",
            Self::Owner => "guichet_owner",
            Self::App => "guichet_app",
            Self::Worker => "guichet_worker",
        }
    }
}

/// A running server. The process that started it stops it, by [`Cluster::stop`] or on drop.
#[derive(Debug)]
pub struct Cluster {
    socket_dir: PathBuf,
    owned: Mutex<Option<OwnedServer>>,
}

/// The server and the locks of the process that started it. Fields drop in this order, so the server stops first.
#[derive(Debug)]
struct OwnedServer {
    postmaster: Postmaster,
    _locks: [FolderLock; 2],
}

impl Cluster {
    /// Starts the server of this folder, and returns when it accepts connections; creates the cluster on the first
    /// start.
    ///
    /// Blocks, for about a second on the first start. May be called from any thread, which may end before the server.
    /// Fails at once if another guichet runs on the folder; stops the server that a killed guichet left.
    pub fn start(settings: &EmbeddedSettings) -> Result<Self> {
        let data_dir = create_data_dir(&settings.data_dir)?;
        let folder_lock = FolderLock::lock_data_dir(&data_dir)?;
        let os_users = OsUsers::current()?;
        let cluster_dir = ClusterDir::prepare(&data_dir, &os_users)?;
        // Two data folders may share a cluster folder: a copy of DATA_DIR, or one deleted while its server runs.
        let cluster_lock = FolderLock::lock_cluster_dir(cluster_dir.root())?;
        let os_users = os_users.with_data_owner(&cluster_dir.data())?;

        pidfile::stop_orphan(&cluster_dir.data())?;
        let programs = PostgresPrograms::find(&os_users, cluster_dir.major()?)?;
        initdb::ensure_cluster(&cluster_dir, &os_users, &programs, settings.fsync)?;
        initdb::write_access_rules(&cluster_dir, &os_users)?;
        cluster_dir.create_socket_dir(&os_users)?;

        let log = log::open(&data_dir)?;
        let command = postmaster::server_command(&cluster_dir, &os_users, &programs, settings, &log)?;
        let postmaster = Postmaster::spawn(command, cluster_dir.data())?;
        let owned = OwnedServer { postmaster, _locks: [folder_lock, cluster_lock] };
        if let Err(error) = owned.postmaster.await_ready() {
            let log_lines = log.lines_since_start();
            return Err(error.context(format!("the embedded PostgreSQL did not start:\n{log_lines}")));
        }
        tracing::info!(postgres.path = %cluster_dir.root().display(), "embedded PostgreSQL is ready");
        Ok(Self { socket_dir: cluster_dir.socket_dir(), owned: Mutex::new(Some(owned)) })
    }

    /// The server that another process owns on this folder, or `None`. Waits while that process is starting it.
    pub fn connect_running(data_dir: &Path) -> Result<Option<Self>> {
        let Ok(data_dir) = data_dir.canonicalize() else { return Ok(None) };
        let status = wait::poll_until(START_LIMIT, || Self::probe(&data_dir).transpose());
        match status {
            Some(Ok(ServerProbe::Running(socket_dir))) => {
                Ok(Some(Self { socket_dir, owned: Mutex::new(None) }))
            }
            Some(Ok(ServerProbe::NotRunning)) => Ok(None),
            Some(Err(error)) => Err(error),
            None => bail!(
                "another guichet has locked {} but its PostgreSQL does not accept connections: see {}",
                data_dir.display(),
                log::path(&data_dir).display()
            ),
        }
    }

    /// A libpq URL over the Unix socket.
    pub fn url(&self, role: LoginRole, database: &str) -> String {
        url::unix_socket_url(&self.socket_dir, role.name(), database)
    }

    /// Ends all sessions, writes all data to disk, and waits until the server has stopped. No effect in a process that
    /// did not start the server, or on the second call.
    pub fn stop(&self) -> Result<()> {
        let mut owned = self.owned.lock();
        owned.take().map_or(Ok(()), |owned| owned.postmaster.stop())
    }

    /// `None` while another process is starting the server.
    fn probe(data_dir: &Path) -> Result<Option<ServerProbe>> {
        if let Some(cluster_dir) = ClusterDir::existing(data_dir)?
            && let Some(pid_file) = PidFile::read(&cluster_dir.data())?
            && pid_file.status == ServerStatus::Ready
            && pid_file.is_server_running()
        {
            return Ok(Some(ServerProbe::Running(cluster_dir.socket_dir())));
        }
        Ok(if FolderLock::is_locked(data_dir)? { None } else { Some(ServerProbe::NotRunning) })
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::error!(error = format!("{error:#}"), "the embedded PostgreSQL did not stop");
        }
    }
}

enum ServerProbe {
    Running(PathBuf),
    NotRunning,
}

fn create_data_dir(data_dir: &Path) -> Result<PathBuf> {
    fs::create_dir_all(data_dir)
        .and_then(|()| data_dir.canonicalize())
        .with_context(|| format!("cannot create DATA_DIR {}", data_dir.display()))
}
