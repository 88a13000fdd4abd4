//! A database per test, deleted when the test ends.

use std::sync::atomic::{AtomicU32, Ordering};

use diesel::{Connection, PgConnection};
use guichet_db::embedded::LoginRole;
use parking_lot::{MappedMutexGuard, Mutex, MutexGuard};

use super::Postgres;
use super::patience::WatchedTest;

pub struct TestDatabase {
    name: String,
    admin: Mutex<Option<PgConnection>>,
    _watched_test: WatchedTest,
}

impl TestDatabase {
    /// Creates a migrated database without data.
    pub fn new() -> Self {
        let database = Self::with_unique_name();
        Postgres::shared().copy_template(&database.name);
        database
    }

    /// Creates an empty database, without migrations.
    pub fn empty() -> Self {
        let database = Self::with_unique_name();
        Postgres::shared().create_empty(&database.name);
        database
    }

    fn with_unique_name() -> Self {
        let name = unique_name();
        let watched_test = WatchedTest::begin(&name);
        Self { name, admin: Mutex::new(None), _watched_test: watched_test }
    }

    pub fn url(&self, role: LoginRole) -> String {
        Postgres::shared().url(role, &self.name)
    }

    /// The superuser connection of this test, reused because a new one takes 10 ms, most of it to load the policies.
    /// Locked while the guard lives: a second call in the meantime deadlocks.
    pub fn admin(&self) -> MappedMutexGuard<'_, PgConnection> {
        MutexGuard::map(self.admin.lock(), |admin| {
            admin.get_or_insert_with(|| self.connect(LoginRole::Admin))
        })
    }

    pub fn connect(&self, role: LoginRole) -> PgConnection {
        PgConnection::establish(&self.url(role)).unwrap()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        Postgres::shared().drop_database(&self.name);
    }
}

fn unique_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
