//! Projects: what a client has under way. Whoever sees the client sees them; operators make and change them.

mod http;
mod model;
mod service;
mod store;

pub use http::routes;
pub use model::Project;
