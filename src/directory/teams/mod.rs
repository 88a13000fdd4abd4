//! Teams: groups of operators that are in charge of clients together. Their members are operators.

mod http;
mod model;
mod service;
mod store;

pub use http::routes;
pub use model::Team;
