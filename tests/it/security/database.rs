//! Databases for the matrix.

use std::path::{Path, PathBuf};

use diesel::Connection;
use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use guichet_db::embedded::LoginRole;
use guichet_db::roles;

use crate::harness;

/// The superuser: it inserts fixtures and mutants, and is not tested.
pub const ADMIN: &str = "guichet_super";

pub struct PolicyDatabase(harness::TestDatabase);

/// A database with the roles and every migration.
pub fn database() -> PolicyDatabase {
    PolicyDatabase(harness::TestDatabase::new())
}

/// A database with the roles, before any migration.
pub fn bare_database() -> PolicyDatabase {
    let database = PolicyDatabase(harness::TestDatabase::empty());
    roles::create_or_update(&mut database.connect(ADMIN)).unwrap();
    database
}

/// The folders of the migrations, in order.
pub fn migrations() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root.join("migrations"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

/// Runs one migration file in one transaction, as Diesel does.
pub fn run_file(connection: &mut PgConnection, file: &Path) {
    let sql = std::fs::read_to_string(file).unwrap();
    connection
        .transaction(|connection| connection.batch_execute(&sql))
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}

impl PolicyDatabase {
    pub fn url(&self, role: &str) -> String {
        let role = [LoginRole::Admin, LoginRole::Owner, LoginRole::App, LoginRole::Worker]
            .into_iter()
            .find(|r| r.name() == role);
        self.0.url(role.unwrap())
    }

    pub fn connect(&self, role: &str) -> PgConnection {
        PgConnection::establish(&self.url(role)).unwrap()
    }
}
