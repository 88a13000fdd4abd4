//! Runs statements as one identity and reports each result: SQLSTATE, rows, keys. Nothing is committed.
//!
//! The loop is a PL/pgSQL function in the test's database, since Diesel does not expose SQLSTATE, and so that
//! hundreds of statements cost one round trip. Each runs in a subtransaction that is always rolled back.

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::sql_types::{Array, BigInt, Text};
use diesel::{Connection, QueryableByName, RunQueryDsl, sql_query};

use super::identity::Identity;

/// The expected result of a statement. Anything else, including a syntax error, fails the cell.
#[derive(Debug)]
pub enum Expect {
    /// A statement that starts with `KEYS` returns exactly these.
    Keys(BTreeSet<String>),
    Rows(i64),
    /// It fails with this SQLSTATE.
    State(&'static str),
}

/// Refused by a grant, a policy's check or a trigger.
pub const DENIED: Expect = Expect::State("42501");

#[derive(Debug)]
pub struct Cell {
    pub name: String,
    pub sql: String,
    pub expect: Expect,
    /// How many facts it proves: a set of keys covers every row of its table.
    pub verdicts: usize,
}

#[derive(QueryableByName, Debug)]
struct Outcome {
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = BigInt)]
    rows: i64,
    #[diesel(sql_type = Array<Text>)]
    keys: Vec<String>,
    #[diesel(sql_type = Text)]
    message: String,
}

/// Creates the function that `run` calls. As the administrator, once per database.
pub fn install(admin: &mut PgConnection) {
    admin
        .batch_execute(
            r"
        CREATE SCHEMA probe;
        GRANT USAGE ON SCHEMA probe TO PUBLIC;
        CREATE FUNCTION probe.run(statements text[])
            RETURNS TABLE (state text, rows bigint, keys text[], message text) LANGUAGE plpgsql AS $$
        DECLARE
            statement text;
        BEGIN
            FOREACH statement IN ARRAY statements LOOP
                state := '00000'; rows := 0; keys := '{}'; message := '';
                BEGIN
                    IF starts_with(statement, 'KEYS ') THEN
                        EXECUTE substr(statement, 6) INTO keys;
                    ELSE
                        EXECUTE statement;
                        GET DIAGNOSTICS rows = ROW_COUNT;
                    END IF;
                    RAISE EXCEPTION USING ERRCODE = 'GUNDO', MESSAGE = 'undo';
                EXCEPTION WHEN OTHERS THEN
                    IF SQLSTATE <> 'GUNDO' THEN
                        state := SQLSTATE; message := SQLERRM;
                    END IF;
                END;
                keys := coalesce(keys, '{}');
                RETURN NEXT;
            END LOOP;
        END $$;
        GRANT EXECUTE ON FUNCTION probe.run(text[]) TO PUBLIC;
    ",
        )
        .unwrap();
}

/// Runs the cells as `who` in one transaction that is rolled back, and returns the failed ones. The connection is
/// that of the role itself, or the administrator's, which assumes the role.
pub fn run(connection: &mut PgConnection, who: &Identity, cells: &[Cell]) -> Vec<String> {
    let statements: Vec<&str> = cells.iter().map(|cell| cell.sql.as_str()).collect();
    let mut outcomes: Vec<Outcome> = Vec::new();
    let done = connection.transaction(|connection| {
        connection.batch_execute(&who.put_on())?;
        outcomes =
            sql_query("SELECT * FROM probe.run($1)").bind::<Array<Text>, _>(&statements).load(connection)?;
        Err::<(), _>(diesel::result::Error::RollbackTransaction)
    });
    assert!(matches!(done, Err(diesel::result::Error::RollbackTransaction)), "{}: {done:?}", who.label);
    assert_eq!(outcomes.len(), cells.len(), "{}: one outcome per cell", who.label);
    cells.iter().zip(&outcomes).filter_map(|(cell, outcome)| fault(who, cell, outcome)).collect()
}

fn fault(who: &Identity, cell: &Cell, outcome: &Outcome) -> Option<String> {
    let wrong = match &cell.expect {
        Expect::State(state) if outcome.state == *state => return None,
        Expect::Rows(rows) if outcome.state == "00000" && outcome.rows == *rows => return None,
        Expect::Keys(wanted) if outcome.state == "00000" => {
            let got: BTreeSet<String> = outcome.keys.iter().cloned().collect();
            if got == *wanted {
                return None;
            }
            format!("leaked {:?}, withheld {:?}", got.difference(wanted), wanted.difference(&got))
        }
        expect => format!(
            "wanted {expect:?}, got {} with {} rows {:?} {}",
            outcome.state, outcome.rows, outcome.keys, outcome.message
        ),
    };
    Some(format!("{} as {}: {wrong}\n      {}", cell.name, who.label, cell.sql))
}
