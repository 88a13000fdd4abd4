//! People: operators and members, made and changed by whoever provisions them, and each by themselves (`me`).
//!
//! - A person is never removed, only marked as deleted: what they wrote keeps its author.
//! - What was revoked stays revoked: `sessions_valid_after` only moves forward; deleting somebody revokes too.
//! - Whoever changes sides of the desk, or is deleted, leaves teams, clients and charges at the same moment.

mod http;
mod model;
pub(super) mod profile;
pub(super) mod service;
pub(crate) mod store;

pub use http::routes;
pub use model::{DEFAULT_TIMEZONE, NewUser, User, UserChange, UserView, is_revoked};
