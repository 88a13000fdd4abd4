//! Teams: groups of operators that share the charge of clients. Only operators can be members.

mod http;
mod model;
mod service;
mod store;

pub use http::routes;
pub use model::Team;
