//! `src/schema.rs` equals the migrated catalog, column by column. `BLESS=1 cargo test --test it schema::` regenerates
//! it.
//!
//! Columns of types that Diesel's DSL cannot read here are left out: raw SQL names them.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::fmt::Write as _;
use std::path::PathBuf;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Bool, Text};

use crate::harness::TestDatabase;

const PATH: &str = "src/schema.rs";
/// Types without a counterpart in Diesel, or with one behind a feature that is not used otherwise.
const UNREAD: [&str; 4] = ["inet", "xid8", "tsvector", "timestamp with time zone[]"];

#[derive(QueryableByName)]
struct Table {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Array<Text>)]
    key: Vec<String>,
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    of_type: String,
    #[diesel(sql_type = Bool)]
    is_null: bool,
}

// Partitions are accessed through their parent; Diesel keeps its own list of migrations.
const TABLES: &str = "SELECT c.relname::text AS name,
        (SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(i.indkey) WITH ORDINALITY AS k (attnum, n)
           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum) AS key
   FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND c.relname <> '__diesel_schema_migrations'
  ORDER BY c.relname COLLATE \"C\"";

const COLUMNS: &str =
    "SELECT attname::text AS name, format_type(atttypid, NULL) AS of_type, NOT attnotnull AS is_null
   FROM pg_attribute WHERE attrelid = format('public.%I', $1)::regclass AND attnum > 0 AND NOT attisdropped
  ORDER BY attnum";

fn generated(conn: &mut PgConnection) -> String {
    let mut out = String::from(
        "//! The tables as Diesel sees them. Generated from the migrated database by `tests/it/schema.rs`; do not edit.\n",
    );
    let tables: Vec<Table> = sql_query(TABLES).load(conn).unwrap();
    for table in &tables {
        let columns: Vec<Column> = sql_query(COLUMNS).bind::<Text, _>(&table.name).load(conn).unwrap();
        let _ = write!(out, "\ndiesel::table! {{\n    {} ({}) {{\n", table.name, table.key.join(", "));
        for column in columns.iter().filter(|column| !UNREAD.contains(&column.of_type.as_str())) {
            let of_type = in_diesel(&column.of_type);
            let of_type = if column.is_null { format!("Nullable<{of_type}>") } else { of_type.to_owned() };
            // A Rust keyword gets another name.
            let _ = match column.name.as_str() {
                "type" => writeln!(out, "        #[sql_name = \"type\"]\n        kind -> {of_type},"),
                name => writeln!(out, "        {name} -> {of_type},"),
            };
        }
        out.push_str("    }\n}\n");
    }
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    let _ =
        write!(out, "\ndiesel::allow_tables_to_appear_in_same_query!(\n    {}\n);\n", names.join(",\n    "));
    out
}

fn in_diesel(of_type: &str) -> &'static str {
    match of_type {
        "uuid" => "Uuid",
        // A domain is sent as its base type.
        "text" | "notification_category" => "Text",
        "character varying" => "Varchar",
        "boolean" => "Bool",
        "smallint" => "SmallInt",
        "integer" => "Integer",
        "bigint" => "BigInt",
        "double precision" => "Double",
        "json" => "Json",
        "jsonb" => "Jsonb",
        "bytea" => "Bytea",
        "date" => "Date",
        "time without time zone" => "Time",
        "timestamp with time zone" => "Timestamptz",
        "text[]" => "Array<Text>",
        "uuid[]" => "Array<Uuid>",
        other => panic!("no word for the type `{other}`: add it here, or to the types left out"),
    }
}

#[test]
fn what_diesel_sees_is_what_was_migrated() {
    let database = TestDatabase::new();
    let now = generated(&mut database.admin());
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(PATH);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    assert_eq!(kept, now, "{PATH} is stale: BLESS=1 cargo test --test it schema::");
}
