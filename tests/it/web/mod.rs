//! The conventions of all endpoints, over real TCP.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests: a panic is how they fail, and clippy sees only functions marked as tests"
)]

mod bodies;
mod edge;
mod etag;
mod limits;
mod log;
mod pages;
mod server;
mod texts;
mod values;
