//! Projects of a client. Everyone who may see the client may see them; operators create and change them.

mod http;
mod model;
mod service;
mod store;

pub use http::routes;
pub use model::Project;
