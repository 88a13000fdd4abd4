//! The embedded PostgreSQL: found, initialized, started and stopped by guichet itself.
//!
//! Invariants:
//! - one guichet per `DATA_DIR`, held by a lock that the kernel releases when its process dies;
//! - no orphan: the server receives SIGINT (fast shutdown) however guichet dies;
//! - no TCP port and no password: a Unix socket that only guichet's operating-system user may use;
//! - nothing that looks like data is ever deleted, except an initialization that never finished.

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

/// How long other commands wait for a server that is starting.
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

/// The state of the process that owns the server. Fields are dropped in this order.
#[derive(Debug)]
struct OwnedServer {
    postmaster: Postmaster,
    _locks: [FolderLock; 2],
}

impl Cluster {
    /// Starts the server of this folder, and returns when it accepts connections; creates the cluster on the first
    /// start.
    ///
    /// Blocks, for about a second the first time. May be called from any thread, which need not outlive the server.
    /// Fails at once if another guichet runs on the folder; takes over from a killed one.
    pub fn start(settings: &EmbeddedSettings) -> Result<Self> {
        let data_dir = create_data_dir(&settings.data_dir)?;
        let folder_lock = FolderLock::on_folder(&data_dir)?;
        let account = OsUsers::current()?;
        let home = ClusterDir::prepare(&data_dir, &account)?;
        // Two folders may point to one home: a copy of DATA_DIR, or one deleted while its server runs.
        let home_lock = FolderLock::on_home(home.root())?;
        let account = account.with_data_owner(&home.data())?;

        pidfile::stop_orphan(&home.data())?;
        let binaries = PostgresPrograms::find(&account, home.major()?)?;
        initdb::ensure_cluster(&home, &account, &binaries, settings.fsync)?;
        initdb::write_access_rules(&home, &account)?;
        home.create_socket_dir(&account)?;

        let log = log::open(&data_dir)?;
        let command = postmaster::command(&home, &account, &binaries, settings, &log)?;
        let postmaster = Postmaster::spawn(command, home.data())?;
        let owned = OwnedServer { postmaster, _locks: [folder_lock, home_lock] };
        if let Err(error) = owned.postmaster.await_ready() {
            let said = log.lines_since_start();
            return Err(error.context(format!("the embedded PostgreSQL did not start:\n{said}")));
        }
        tracing::info!(postgres.path = %home.root().display(), "embedded PostgreSQL is ready");
        Ok(Self { socket_dir: home.socket_dir(), owned: Mutex::new(Some(owned)) })
    }

    /// The server that another process owns on this folder, or `None`. Waits while that process is starting it.
    pub fn connect_running(data_dir: &Path) -> Result<Option<Self>> {
        let Ok(data_dir) = data_dir.canonicalize() else { return Ok(None) };
        let found = wait::poll_until(START_LIMIT, || Self::probe(&data_dir).transpose());
        match found {
            Some(Ok(ServerProbe::Running(socket_dir))) => {
                Ok(Some(Self { socket_dir, owned: Mutex::new(None) }))
            }
            Some(Ok(ServerProbe::NotRunning)) => Ok(None),
            Some(Err(error)) => Err(error),
            None => bail!(
                "a guichet holds {} but its PostgreSQL does not answer: see {}",
                data_dir.display(),
                log::path(&data_dir).display()
            ),
        }
    }

    /// A libpq URL over the Unix socket.
    pub fn url(&self, role: LoginRole, database: &str) -> String {
        url::over_socket(&self.socket_dir, role.name(), database)
    }

    /// Ends all sessions, flushes everything, and waits until the server has stopped. Does nothing in a process that
    /// does not own the server, or the second time.
    pub fn stop(&self) -> Result<()> {
        let mut owned = self.owned.lock();
        owned.take().map_or(Ok(()), |owned| owned.postmaster.stop())
    }

    /// `None` if it cannot be decided yet.
    fn probe(data_dir: &Path) -> Result<Option<ServerProbe>> {
        if let Some(home) = ClusterDir::existing(data_dir)?
            && let Some(file) = PidFile::read(&home.data())?
            && file.status == ServerStatus::Ready
            && file.is_live()
        {
            return Ok(Some(ServerProbe::Running(home.socket_dir())));
        }
        Ok(if FolderLock::is_held(data_dir)? { None } else { Some(ServerProbe::NotRunning) })
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
        .with_context(|| format!("cannot make DATA_DIR {}", data_dir.display()))
}
