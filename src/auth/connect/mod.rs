//! Connect tokens: what a page puts into a socket's URL instead of its access token. The API calls them tickets.
//!
//! - A connect token opens one socket, once, within 30 s. Only its SHA-256 is stored, so neither the database nor a
//!   proxy's log holds a usable token.
//! - The socket acts for the person who requested the token, until their access token expires or is revoked.
//! - It works on every process. If two connections use it at once, one is admitted.

mod http;
mod model;
mod service;
mod store;

pub use http::routes;
pub use model::ConnectToken;
pub(crate) use service::redeem;
pub use service::sweep;
