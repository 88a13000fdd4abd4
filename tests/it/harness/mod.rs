//! The harness of all tests: a real PostgreSQL, a database per test, and a service on it.
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
pub use server::{SECRET, TestServer};
pub use socket::{Frame, Socket, room};
pub use world::ChatFixture;

/// Between two looks at a state that no frame announces. A loop without it takes the processor, and the connections,
/// from the service that it waits for.
pub async fn poll_interval() {
    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
}
