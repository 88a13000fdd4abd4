//! The cells of one table for one identity: the statements, and the results that the spec requires.

use std::collections::BTreeSet;

use super::candidates;
use super::forgeries::FORGERIES;
use super::identity::Identity;
use super::probe::{Cell, DENIED, Expect};
use super::rule::Rule;
use super::spec::{Access, Table};
use super::world::{Row, SecurityFixture, id, insert, text};

/// The statements of one identity on one table.
pub struct Trial<'w> {
    table: &'w Table,
    columns: &'w [String],
    who: &'w Identity,
    world: &'w SecurityFixture,
    access: Access,
    cells: Vec<Cell>,
}

pub fn of_table(table: &Table, columns: &[String], who: &Identity, world: &SecurityFixture) -> Vec<Cell> {
    let mut trial =
        Trial { table, columns, who, world, access: table.access(who.db_role), cells: Vec::new() };
    trial.select();
    trial.update_each_column();
    trial.update_blindly();
    trial.lock();
    trial.insert();
    trial.upsert();
    trial.delete();
    trial.forge();
    // A view cannot be truncated.
    if who.db_role != "guichet_owner" && !table.is_view {
        trial.push("TRUNCATE", format!("TRUNCATE public.{}", table.name), DENIED);
    }
    trial.cells
}

/// Partitions are accessed through their parent: only the owner may name them, and it sees no rows there.
pub fn of_partition(name: &str, who: &Identity) -> Vec<Cell> {
    let owner = who.db_role == "guichet_owner";
    let reads = if owner { Expect::Keys(BTreeSet::new()) } else { DENIED };
    let deletes = if owner { Expect::Rows(0) } else { DENIED };
    vec![
        cell(
            format!("SELECT from {name}"),
            format!("KEYS SELECT array_agg(id::text) FROM public.{name}"),
            reads,
        ),
        cell(format!("DELETE from {name}"), format!("DELETE FROM public.{name}"), deletes),
        cell(format!("INSERT into {name}"), row_of_partition(name), DENIED),
    ]
}

fn row_of_partition(name: &str) -> String {
    const ID: &str = "'00000000-0000-7000-8000-000000000000'";
    let (columns, values, day) = match name.rsplit_once('_') {
        Some(("outbox", day)) => {
            ("topic, seq, event, payload, fanout", "'t', 1, 'e', '{}', '{}'", day.to_owned())
        }
        Some(("activity_logs", month)) => ("action", "'message.send'", format!("{month}01")),
        _ => panic!("{name} is a partition of no table of the matrix"),
    };
    format!(
        "INSERT INTO public.{name} (tenant_id, id, created_at, {columns}) \
         SELECT {ID}, {ID}, to_date('{day}', 'YYYYMMDD')::timestamp AT TIME ZONE 'UTC', {values}"
    )
}

pub fn cell(name: String, sql: String, expect: Expect) -> Cell {
    Cell { name, sql, expect, verdicts: 1 }
}

impl Trial<'_> {
    fn push(&mut self, name: &str, sql: String, expect: Expect) {
        let verdicts = match expect {
            Expect::Keys(_) => self.rows().len().max(1),
            Expect::Rows(_) | Expect::State(_) => 1,
        };
        self.cells.push(Cell { name: format!("{}: {name}", self.table.name), sql, expect, verdicts });
    }

    fn rows(&self) -> &[Row] {
        self.world.rows(self.table.name)
    }

    fn holds(&self, rule: Rule, row: &Row) -> bool {
        let ours = self.access.tenant.is_none_or(|column| {
            self.who.tenant.as_deref().is_some_and(|tenant| tenant == text(row, column))
        });
        ours && rule.holds(self.who, row, self.world)
    }

    /// Visible to the identity and allowed for the verb: the effect of a statement with a WHERE.
    fn reaches(&self, rule: Rule, row: &Row) -> bool {
        self.holds(self.access.may_select, row) && self.holds(rule, row)
    }

    fn keys(&self, rule: Rule) -> Expect {
        Expect::Keys(
            self.rows().iter().filter(|row| self.reaches(rule, row)).map(|row| self.key_of(row)).collect(),
        )
    }

    fn key_of(&self, row: &Row) -> String {
        self.table.key.iter().map(|column| text(row, column)).collect::<Vec<_>>().join("/")
    }

    fn key(&self) -> String {
        let columns: Vec<String> = self.table.key.iter().map(|column| format!("{column}::text")).collect();
        format!("concat_ws('/', {})", columns.join(", "))
    }

    fn at(&self, row: &Row) -> String {
        let parts: Vec<String> =
            self.table.key.iter().map(|column| format!("{column} = '{}'", text(row, column))).collect();
        parts.join(" AND ")
    }

    fn updates(&self) -> impl Iterator<Item = &String> {
        self.columns.iter().filter(|column| self.access.update.has(column))
    }

    /// Whether the identity may read the key, and so address single rows.
    fn reads(&self) -> bool {
        self.table.key.iter().all(|column| self.access.select.has(column))
    }

    fn select(&mut self) {
        let (table, key) = (self.table.name, self.key());
        let seen = if self.reads() { self.keys(self.access.may_select) } else { DENIED };
        self.push("SELECT", format!("KEYS SELECT array_agg({key}) FROM public.{table}"), seen);
        let visible = self.rows().iter().filter(|row| self.holds(self.access.may_select, row)).count();
        for column in self.columns {
            let expect = if self.access.select.has(column) { Expect::Rows(count(visible)) } else { DENIED };
            self.push(&format!("SELECT {column}"), format!("SELECT {column} FROM public.{table}"), expect);
        }
    }

    fn update_each_column(&mut self) {
        let (table, key) = (self.table.name, self.key());
        for column in self.columns {
            let (sql, expect) = if self.access.update.has(column) {
                let value = self.same(column);
                (
                    format!(
                        "KEYS WITH changed AS (UPDATE public.{table} SET {column} = {value} RETURNING {key} AS key) \
                    SELECT array_agg(key) FROM changed"
                    ),
                    self.keys(self.access.may_update),
                )
            } else {
                (format!("UPDATE public.{table} SET {column} = NULL"), DENIED)
            };
            self.push(&format!("UPDATE {column}"), sql, expect);
        }
    }

    /// A valid value for the column: its own, or that of some row if the identity may not read it.
    fn same(&self, column: &str) -> String {
        match self.rows().first() {
            Some(row) if !self.access.select.has(column) => format!("'{}'", text(row, column)),
            _ => column.to_owned(),
        }
    }

    fn update_blindly(&mut self) {
        let column = self.table.blind.split(' ').next().unwrap_or_default();
        if column.is_empty() || !self.access.update.has(column) {
            return;
        }
        let open = self.rows().iter().filter(|row| self.holds(self.access.may_update, row)).count();
        let sql = format!("UPDATE public.{} SET {}", self.table.name, self.table.blind);
        self.push("UPDATE of rows unseen", sql, Expect::Rows(count(open)));
    }

    fn lock(&mut self) {
        let (table, key) = (self.table.name, self.key());
        let locked = if self.reads() && self.updates().next().is_some() {
            self.keys(self.access.may_update)
        } else {
            DENIED
        };
        self.push(
            "SELECT FOR UPDATE",
            format!(
                "KEYS SELECT array_agg(key) FROM (SELECT {key} AS key FROM public.{table} FOR UPDATE) locked"
            ),
            locked,
        );
    }

    fn insert(&mut self) {
        let table = self.table.name;
        let candidates = candidates::of(table);
        let allowed = candidates.iter().find(|candidate| self.holds(self.access.may_insert, &candidate.row));
        let closed: Vec<String> =
            self.columns.iter().filter(|column| !self.access.insert.has(column)).cloned().collect();
        for column in closed {
            // In a row that is allowed otherwise, if there is one: only the grant can refuse it.
            let mut row = allowed.map(|candidate| self.insertable(&candidate.row)).unwrap_or_default();
            row.insert(column.clone(), serde_json::Value::Null);
            self.push(&format!("INSERT ({column})"), insert(table, &row), DENIED);
        }
        for candidate in &candidates {
            let row = self.insertable(&candidate.row);
            let allowed = !row.is_empty() && self.holds(self.access.may_insert, &candidate.row);
            let taken = self.rows().iter().any(|there| self.key_of(there) == self.key_of(&candidate.row));
            let done = |expect| match () {
                () if !allowed => DENIED,
                () if candidate.broken => Expect::State("23503"),
                () if taken => Expect::State("23505"),
                () => expect,
            };
            let sql = insert(table, if row.is_empty() { &candidate.row } else { &row });
            self.push(&format!("INSERT a {}", candidate.name), sql.clone(), done(Expect::Rows(1)));
            let returns = if self.reads() && self.holds(self.access.may_select, &candidate.row) {
                done(Expect::Rows(1))
            } else {
                DENIED
            };
            self.push(
                &format!("INSERT RETURNING a {}", candidate.name),
                format!("{sql} RETURNING {}", self.key()),
                returns,
            );
        }
    }

    /// Every existing row inserted again: with an update on conflict where the identity may update.
    fn upsert(&mut self) {
        let changed = self
            .updates()
            .find(|column| self.access.select.has(column) && !self.table.blind.is_empty())
            .cloned();
        let mut cells = Vec::new();
        for existing in self.rows() {
            let mut row = self.insertable(existing);
            // A tombstone has no content, and a message cannot be inserted without.
            if row.get("content").is_some_and(serde_json::Value::is_null) {
                row.insert("content".into(), "x".into());
            }
            let inserts = !row.is_empty() && self.holds(self.access.may_insert, existing);
            let base = insert(self.table.name, if row.is_empty() { existing } else { &row });
            let (sql, done, allowed) = match &changed {
                Some(column) => (
                    format!(
                        "{base} ON CONFLICT ({}) DO UPDATE SET {column} = {}.{column}",
                        self.table.key.join(", "),
                        self.table.name
                    ),
                    1,
                    inserts && self.reaches(self.access.may_update, existing),
                ),
                None => (format!("{base} ON CONFLICT DO NOTHING"), 0, inserts),
            };
            let expect = if allowed { Expect::Rows(done) } else { DENIED };
            cells.push((format!("upsert {}", self.key_of(existing)), sql, expect));
        }
        for (name, sql, expect) in cells {
            self.push(&name, sql, expect);
        }
    }

    /// The row restricted to columns that the role may insert.
    fn insertable(&self, row: &Row) -> Row {
        row.iter()
            .filter(|(column, _)| self.access.insert.has(column))
            .map(|(column, value)| (column.clone(), value.clone()))
            .collect()
    }

    fn delete(&mut self) {
        let table = self.table.name;
        if !self.access.delete {
            self.push("DELETE", format!("DELETE FROM public.{table}"), DENIED);
            return;
        }
        let mut cells = Vec::new();
        for row in self.rows() {
            let expect = match () {
                () if !self.reads() => DENIED,
                () if !self.reaches(self.access.may_delete, row) => Expect::Rows(0),
                () if self.pointed_at(row) => Expect::State("23503"),
                () => Expect::Rows(1),
            };
            cells.push((
                format!("DELETE {}", self.key_of(row)),
                format!("DELETE FROM public.{table} WHERE {}", self.at(row)),
                expect,
            ));
        }
        let open: Vec<&Row> =
            self.rows().iter().filter(|row| self.holds(self.access.may_delete, row)).collect();
        let blindly = if open.iter().any(|row| self.pointed_at(row)) {
            Expect::State("23503")
        } else {
            Expect::Rows(count(open.len()))
        };
        cells.push(("DELETE of rows unseen".into(), format!("DELETE FROM public.{table}"), blindly));
        for (name, sql, expect) in cells {
            self.push(&name, sql, expect);
        }
    }

    /// A team in charge of a client cannot be deleted; no other deletable row is referenced.
    fn pointed_at(&self, row: &Row) -> bool {
        self.table.name == "teams"
            && self.world.rows("clients").iter().any(|client| text(client, "team_id") == text(row, "id"))
    }

    fn forge(&mut self) {
        if self.who.db_role != "guichet_app" {
            return;
        }
        let mut cells = Vec::new();
        for forgery in FORGERIES.iter().filter(|forgery| forgery.table == self.table.name) {
            for row in self.rows() {
                let foreign = forgery.set.contains("{b.") && text(row, "tenant_id") != id("b");
                let expect = match () {
                    () if !self.reaches(self.access.may_update, row) => Expect::Rows(0),
                    () if !forgery.may.holds(self.who, row, self.world) => DENIED,
                    () if foreign => Expect::State("23503"),
                    () => Expect::Rows(1),
                };
                let sql = format!(
                    "UPDATE public.{} SET {} WHERE {}",
                    self.table.name,
                    with_ids(forgery.set),
                    self.at(row)
                );
                cells.push((format!("forge {} of {}", forgery.set, self.key_of(row)), sql, expect));
            }
        }
        for (name, sql, expect) in cells {
            self.push(&name, sql, expect);
        }
    }
}

/// Replaces `{b.emma}` by that person's id.
fn with_ids(set: &str) -> String {
    match set.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?))) {
        Some((before, (name, after))) if name.starts_with("b.") => format!("{before}{}{after}", id(name)),
        _ => set.to_owned(),
    }
}

fn count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap()
}
