//! Deliveries: claimed, checked again, sent once; and their REST endpoints.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests: a panic is how they fail, and clippy sees only functions marked as tests"
)]

mod again;
mod checks;
mod failing;
mod fixture;
mod lanes;
mod leases;
mod rest;
mod retries;
mod samples;
mod stopping;
mod whole;
