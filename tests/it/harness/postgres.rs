//! One PostgreSQL server per test process, started by the service's own code, with a migrated template database.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use guichet::app::postgres::MIGRATIONS;
use guichet_db::embedded::{Cluster, EmbeddedSettings, LoginRole};
use guichet_db::{migrate, roles};

const TEMPLATE_DATABASE: &str = "guichet_template";
const FOLDER_PREFIX: &str = "guichet-tests-";
/// Ten times the largest use that was measured in a run.
const MIN_FREE_BYTES: u64 = 4 << 30;

pub struct Postgres {
    cluster: Cluster,
    /// A template can be copied only without connections to it, so one copy at a time.
    copy_lock: Mutex<()>,
}

impl Postgres {
    /// The server of this test process. It ends with the process.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    fn start() -> Self {
        delete_folders_of_dead_runs();
        let data_dir = cluster_parent().join(format!("{FOLDER_PREFIX}{}", std::process::id()));
        // Accessible to the server's user, unlike the folders of `tempfile`.
        DirBuilder::new().mode(0o755).create(&data_dir).unwrap();
        // No data outlives the run, so `fsync` is not needed.
        let cluster =
            Cluster::start(&EmbeddedSettings { data_dir, fsync: false, max_connections: 400 }).unwrap();
        let mut admin = PgConnection::establish(&cluster.url(LoginRole::Admin, "postgres")).unwrap();
        admin.batch_execute(&format!("CREATE DATABASE {TEMPLATE_DATABASE}")).unwrap();
        roles::create_or_update(
            &mut PgConnection::establish(&cluster.url(LoginRole::Admin, TEMPLATE_DATABASE)).unwrap(),
        )
        .unwrap();
        migrate::up(
            &mut PgConnection::establish(&cluster.url(LoginRole::Owner, TEMPLATE_DATABASE)).unwrap(),
            MIGRATIONS,
        )
        .unwrap();
        Self { cluster, copy_lock: Mutex::new(()) }
    }

    pub fn url(&self, role: LoginRole, database: &str) -> String {
        self.cluster.url(role, database)
    }

    /// Creates a database as a copy of the migrated template.
    pub fn copy_template(&self, name: &str) {
        let _one_at_a_time = self.copy_lock.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.execute_as_admin(&format!(
            "CREATE DATABASE {name} TEMPLATE {TEMPLATE_DATABASE} OWNER guichet_owner"
        ));
    }

    /// Creates an empty database, for tests of migrations.
    pub fn create_empty(&self, name: &str) {
        self.execute_as_admin(&format!("CREATE DATABASE {name}"));
    }

    pub fn drop_database(&self, name: &str) {
        self.execute_as_admin(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
    }

    fn execute_as_admin(&self, sql: &str) {
        let mut admin = PgConnection::establish(&self.cluster.url(LoginRole::Admin, "postgres")).unwrap();
        admin.batch_execute(sql).unwrap();
    }
}

/// In memory if it has enough space: each test creates and drops a database of 600 files, which takes 0.1 s there and 0.6 s
/// on a disk, and tests do it one after another. Containers often have a `/dev/shm` of only 64 MiB.
fn cluster_parent() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let free = nix::sys::statvfs::statvfs(memory)
        .map_or(0, |stats| stats.blocks_available() * stats.fragment_size());
    if free >= MIN_FREE_BYTES { memory.to_owned() } else { std::env::temp_dir() }
}

/// Deletes the folders of killed runs.
fn delete_folders_of_dead_runs() {
    for entry in fs::read_dir(cluster_parent()).unwrap().flatten() {
        let name = entry.file_name();
        let pid = name
            .to_str()
            .and_then(|name| name.strip_prefix(FOLDER_PREFIX))
            .and_then(|pid| pid.parse::<u32>().ok());
        if pid.is_some_and(|pid| !PathBuf::from(format!("/proc/{pid}")).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
