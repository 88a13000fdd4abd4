//! The test harness: a PostgreSQL server, a database per test, and a service that uses it.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests: a panic is how they fail, and clippy sees only functions marked as tests"
)]

mod api;
mod database;
mod patience;
mod postgres;
mod process;
mod redis;
mod server;
mod socket;
mod world;

pub use api::{Api, ApiResponse};
pub use database::TestDatabase;
pub use postgres::Postgres;
pub use process::Process;
pub use redis::Redis;
pub use server::{JWT_SECRET, TestServer};
pub use socket::{Frame, Socket, room_topic};
pub use world::ChatFixture;

/// Sleeps between two checks of a state that no frame announces. A loop without a pause would take processor time and
/// connections from the service that the test waits for.
pub async fn pause_between_polls() {
    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
}
