//! Connect tickets: what a page puts into a socket's address instead of its token.
//!
//! - A ticket opens one socket, once, within 30 s; only its SHA-256 is stored, so that neither the database nor a
//!   proxy's log of addresses gives anything away that is still good.
//! - What it opens acts for whoever asked for it, until their token ends or is revoked.
//! - It works on every process; of two that come with it at once, one is let in.

mod http;
mod model;
mod service;
mod store;

pub use http::routes;
pub use model::ConnectToken;
pub(crate) use service::redeem;
pub use service::sweep;
