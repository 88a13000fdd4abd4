//! `/me`: everything an app needs at its start, in one call, and the fields that people may change of themselves.

mod http;
mod model;
mod service;
mod store;

pub use http::routes;
pub use model::Me;
