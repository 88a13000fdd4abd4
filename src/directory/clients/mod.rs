//! Clients: customer accounts, each with a room, an operator in charge, an optional team, and members.
//!
//! - A client and its room are created in one transaction; neither exists without the other.
//! - Members have the role `client`; the person in charge is an operator of the tenant.

mod http;
mod model;
pub(super) mod service;
mod store;

pub use http::routes;
pub use model::{Client, ClientStatus, ClientView};
