//! Clients: customer accounts, each with its room, an operator in charge, perhaps a team, and members.
//!
//! - A client and its room are made in one transaction; neither is ever there alone.
//! - Members have the role client; whoever is in charge is an operator of the tenant.

mod http;
mod model;
pub(super) mod service;
mod store;

pub use http::routes;
pub use model::{Client, ClientStatus, ClientView};
