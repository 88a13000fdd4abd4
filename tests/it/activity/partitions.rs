//! Months are created and dropped as partitions.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use guichet_db::embedded::LoginRole;

use crate::harness::TestDatabase;

const ID: &str = "0198c0de-0000-7000-8000-000000000001";
const CALL: &str = "SELECT authz.keep_activity_logs(now() - interval '14 months', 2, 365)";

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

fn count(admin: &mut PgConnection, sql: &str) -> i64 {
    diesel::sql_query(sql).get_result::<Count>(admin).unwrap().n
}

#[test]
fn a_month_is_dropped_when_its_last_day_is_past_the_retention_and_not_before() {
    let database = TestDatabase::new();
    let mut worker = database.connect(LoginRole::Worker);
    worker.batch_execute(CALL).unwrap();
    let mut admin = database.connect(LoginRole::Admin);
    let months = "SELECT count(*) AS n FROM pg_inherits WHERE inhparent = 'activity_logs'::regclass";
    // The month of a year ago contains days of the last 365; the one before does not.
    let old = "SELECT count(*) AS n FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
        WHERE i.inhparent = 'activity_logs'::regclass \
        AND to_date(right(c.relname, 6), 'YYYYMM') + interval '1 month' <= (now() AT TIME ZONE 'UTC') - interval '365 days'";
    assert_eq!(count(&mut admin, old), 0);
    let made = count(&mut admin, months);
    assert!((15..=16).contains(&made), "{made} months");
    worker.batch_execute(CALL).unwrap();
    assert_eq!(count(&mut admin, months), made, "a repeat makes and drops nothing");
}

#[test]
fn who_asks_for_one_person_or_entity_or_action_finds_it_by_an_index() {
    let database = TestDatabase::new();
    let mut admin = database.connect(LoginRole::Admin);
    for condition in [
        &format!("user_id = '{ID}'"),
        "action = 'message.send'",
        "entity_type = 'message' AND entity_id = 'x'",
        "id IS NOT NULL",
    ] {
        let sql = format!(
            "SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off; DO $$ DECLARE line text; BEGIN \
             FOR line IN EXPLAIN SELECT * FROM activity_logs WHERE tenant_id = '{ID}' AND {condition} \
                 ORDER BY created_at DESC, id DESC LIMIT 50 LOOP \
               IF line LIKE '%Sort%' THEN RAISE EXCEPTION 'sorted: %', line; END IF; \
             END LOOP; END $$"
        );
        admin.batch_execute(&sql).unwrap_or_else(|error| panic!("{condition}: {error}"));
    }
}
