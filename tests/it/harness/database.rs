//! A database per test, dropped with it.

use std::sync::atomic::{AtomicU32, Ordering};

use diesel::{Connection, PgConnection};
use guichet_db::embedded::LoginRole;
use parking_lot::{MappedMutexGuard, Mutex, MutexGuard};

use super::Postgres;
use super::patience::UnderWay;

pub struct TestDatabase {
    name: String,
    admin: Mutex<Option<PgConnection>>,
    _under_way: UnderWay,
}

impl TestDatabase {
    /// Migrated and empty.
    pub fn new() -> Self {
        let made = Self::named();
        Postgres::shared().copy_template(&made.name);
        made
    }

    /// Not even migrated.
    pub fn empty() -> Self {
        let made = Self::named();
        Postgres::shared().create_empty(&made.name);
        made
    }

    fn named() -> Self {
        let name = fresh_name();
        let under_way = UnderWay::begin(&name);
        Self { name, admin: Mutex::new(None), _under_way: under_way }
    }

    pub fn url(&self, role: LoginRole) -> String {
        Postgres::shared().url(role, &self.name)
    }

    /// The superuser's one connection of this test. A new connection takes 10 ms, most of it to load the policies.
    /// Locked while it is in use: not to be held over a call that asks for it too.
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

fn fresh_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
