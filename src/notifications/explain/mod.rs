//! Why somebody was told of an event by a channel, or was not: answered from what was stored when it was decided, so
//! that it cannot disagree with what happened.

mod http;
mod model;
mod policy;
mod service;
mod store;

pub use http::routes;
