//! People: operators and members. Provisioning creates and changes them; each person changes their own profile
//! (`me`).
//!
//! - A person is never removed, only marked as deleted, so that messages keep their author.
//! - Revocations are final: `sessions_valid_after` only moves forward, and a deletion revokes too.
//! - A person who changes between operator and member, or is deleted, leaves all teams, clients and charges at once.

mod http;
mod model;
pub(super) mod profile;
pub(super) mod service;
pub(crate) mod store;

pub use http::routes;
pub use model::{DEFAULT_TIMEZONE, NewUser, User, UserChange, UserView, is_token_revoked};
