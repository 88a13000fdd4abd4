//! A migrated database of the test's own, dropped with it.
//!
//! The one place that knows where databases come from: the rest of the suite asks for `database()` and `.url(role)`.
//! It stands on the server at `PGHOST`, whose administrator is `guichet_super`, trusted without a password.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::{Connection, RunQueryDsl, sql_query};

/// The role that may do anything: it lays fixtures and mutants, and is never probed.
pub const ADMIN: &str = "guichet_super";

pub struct TestDatabase {
    name: String,
}

/// A database with the roles and every migration applied.
pub fn database() -> TestDatabase {
    let database = bare_database();
    let mut owner = database.connect("guichet_owner");
    for migration in migrations() {
        run_file(&mut owner, &migration.join("up.sql"));
    }
    database
}

/// A database with the roles, before any migration.
pub fn bare_database() -> TestDatabase {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let database = TestDatabase { name: format!("matrix_{}_{number}", std::process::id()) };
    let mut server = connect(&url("postgres", ADMIN));
    server.batch_execute(&format!("CREATE DATABASE {}", database.name)).unwrap();
    // Roles belong to the whole cluster: two databases that make them at once would collide.
    server
        .transaction(|server| {
            sql_query("SELECT pg_advisory_xact_lock(hashtext('guichet.roles'))").execute(server)?;
            database.connect(ADMIN).batch_execute(&read(&root().join("src/db/roles.sql")))
        })
        .unwrap();
    database
}

/// The folders of the migrations, in order.
pub fn migrations() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root().join("migrations"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

/// Runs one migration file as Diesel does: in one transaction.
pub fn run_file(connection: &mut PgConnection, file: &Path) {
    let sql = read(file);
    connection
        .transaction(|connection| connection.batch_execute(&sql))
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}

impl TestDatabase {
    pub fn url(&self, role: &str) -> String {
        url(&self.name, role)
    }

    pub fn connect(&self, role: &str) -> PgConnection {
        connect(&self.url(role))
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Ok(mut server) = PgConnection::establish(&url("postgres", ADMIN)) {
            let _ = server.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        }
    }
}

fn url(database: &str, role: &str) -> String {
    let host = std::env::var("PGHOST").unwrap_or_else(|_| "/var/run/postgresql".to_owned());
    format!("postgres://{role}@{}/{database}", host.replace('/', "%2F"))
}

fn connect(url: &str) -> PgConnection {
    PgConnection::establish(url).unwrap()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
