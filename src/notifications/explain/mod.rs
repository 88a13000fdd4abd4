//! Explains why a person was notified of an event by a channel, or was not. The answer is read from what was stored
//! with the decision, so it always agrees with what happened.

mod http;
mod model;
mod policy;
mod service;
mod store;

pub use http::routes;
