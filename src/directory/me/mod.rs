//! `/me`: what an app needs at its start, in one call, and what people change of themselves.

mod http;
mod model;
mod service;
mod store;

pub use http::routes;
pub use model::Me;
