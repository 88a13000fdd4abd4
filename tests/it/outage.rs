//! An outage of PostgreSQL.

use diesel::RunQueryDsl;
use guichet_db::embedded::LoginRole;

use crate::harness::ChatFixture;

#[tokio::test]
async fn a_pool_of_dropped_connections_costs_no_caller_an_answer() {
    let world = ChatFixture::new();
    let ready = format!("{}/readyz", world.server.url);
    assert_eq!(reqwest::get(&ready).await.unwrap().status(), 200);
    world.emma.get("/me").await.data();
    let mut admin = world.server.database.connect(LoginRole::Admin);
    diesel::sql_query(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
         WHERE datname = current_database() AND usename = 'guichet_app'",
    )
    .execute(&mut admin)
    .unwrap();
    assert_eq!(reqwest::get(&ready).await.unwrap().status(), 200);
    world.emma.get("/me").await.data();
}
