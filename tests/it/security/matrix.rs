//! The matrix: each identity can read and do exactly what the spec says.

use std::collections::BTreeMap;

use diesel::pg::PgConnection;
use diesel::{RunQueryDsl, sql_query};

use super::database::{ADMIN, PolicyDatabase, database};
use super::identity::{Identity, identities};
use super::probe::{self, Cell, Expect};
use super::spec::{Columns, TABLES};
use super::world::{self, SecurityFixture};
use super::{cells, functions, gate};

/// A database with the fixture, and its description.
pub struct MatrixFixture {
    pub database: PolicyDatabase,
    pub world: SecurityFixture,
    columns: BTreeMap<&'static str, Vec<String>>,
    partitions: Vec<String>,
}

/// The statements of one identity on one table.
pub struct Batch<'g> {
    pub table: String,
    pub who: &'g Identity,
    pub cells: Vec<Cell>,
}

impl MatrixFixture {
    pub fn lay() -> Self {
        let database = database();
        let admin = &mut database.connect(ADMIN);
        probe::install(admin);
        let names: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
        let world = world::lay(admin, &names);
        let columns = names.iter().map(|name| (*name, gate::names(admin,
            &format!("SELECT attname FROM pg_attribute WHERE attrelid = 'public.{name}'::regclass AND attnum > 0 AND NOT attisdropped")))).collect();
        let partitions = gate::names(
            admin,
            "SELECT c.relname FROM pg_class c WHERE c.relispartition AND c.relkind IN ('r', 'p')
            AND c.relnamespace = 'public'::regnamespace",
        );
        MatrixFixture { database, world, columns, partitions }
    }

    /// All cells, table by table.
    pub fn batches<'g>(&self, who: &'g [Identity]) -> Vec<Batch<'g>> {
        let mut batches = Vec::new();
        for table in &TABLES {
            batches.extend(who.iter().map(|who| Batch {
                table: table.name.to_owned(),
                who,
                cells: cells::of_table(table, &self.columns[table.name], who, &self.world),
            }));
        }
        for name in &self.partitions {
            batches.extend(who.iter().map(|who| Batch {
                table: name.clone(),
                who,
                cells: cells::of_partition(name, who),
            }));
        }
        batches.extend(who.iter().map(|who| Batch {
            table: "functions".to_owned(),
            who,
            cells: functions::of_functions(who, &self.world),
        }));
        batches
    }

    /// A connection with the identity's login role, or with the administrator's for roles that cannot log in.
    fn connect(&self, who: &Identity) -> PgConnection {
        match who.db_role {
            "guichet_authz" | "guichet_search" => self.database.connect(ADMIN),
            login => self.database.connect(login),
        }
    }
}

#[test]
fn the_catalog_has_nothing_against_the_schema() {
    let faults = gate::faults(&mut database().connect(ADMIN));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_partition_is_born_behind_the_same_wall() {
    let database = database();
    for keep in ["authz.keep_outbox(60, 7)", "authz.keep_activity_logs(now(), 24, 365)"] {
        let made = sql_query(format!("SELECT {keep}")).execute(&mut database.connect("guichet_worker"));
        assert!(made.is_ok(), "{made:?}");
    }
    let faults = gate::faults(&mut database.connect(ADMIN));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn an_id_that_is_none_opens_nothing() {
    let ground = MatrixFixture::lay();
    let who = Identity::garbled();
    let cells: Vec<Cell> = TABLES
        .iter()
        // A table without grants says nothing about its policies.
        .filter(|table| !matches!(table.app.select, Columns::None))
        .map(|table| {
            let sql = format!("SELECT {} FROM public.{}", table.key[0], table.name);
            cells::cell(table.name.to_owned(), sql, Expect::State("22P02"))
        })
        .collect();
    let red = probe::run(&mut ground.connect(&who), &who, &cells);
    assert!(red.is_empty(), "{}", red.join("\n"));
}

/// First half of: "The RLS matrix covers every table × role × verb, and every policy mutant turns it red".
#[test]
fn every_identity_sees_and_does_what_is_its_own_and_nothing_else() {
    let started = std::time::Instant::now();
    let ground = MatrixFixture::lay();
    let who = identities();
    let mut connections: BTreeMap<&str, PgConnection> = BTreeMap::new();
    let (mut red, mut statements, mut verdicts) = (Vec::new(), 0, 0);
    for batch in ground.batches(&who) {
        let connection = connections.entry(batch.who.db_role).or_insert_with(|| ground.connect(batch.who));
        statements += batch.cells.len();
        verdicts += batch.cells.iter().map(|cell| cell.verdicts).sum::<usize>();
        red.extend(
            probe::run(connection, batch.who, &batch.cells).iter().map(|fault| SecurityFixture::named(fault)),
        );
    }
    println!(
        "security matrix: {} tables, {} identities, {statements} statements, {verdicts} cells, {} red, {:.1} s",
        TABLES.len(),
        who.len(),
        red.len(),
        started.elapsed().as_secs_f32()
    );
    assert!(
        red.is_empty(),
        "{} of {statements} statements are red:\n{}",
        red.len(),
        red[..red.len().min(60)].join("\n")
    );
}
