//! People, tokens, rights, provisioning.

mod gate;
mod idempotency;
mod jit;
mod jwks;
mod keys;
mod locking;
mod people;
mod ranks;
mod stand;
mod tokens;
