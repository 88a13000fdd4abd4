//! People, tokens, permissions, provisioning.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at what it did not expect"
)]

mod authentication;
pub mod fixture;
mod idempotency;
mod jit;
mod jwks;
mod keys;
mod locking;
mod people;
mod ranks;
mod revoke;
mod tokens;
