//! Dead letters: events from Redis that could not be accepted, stored with the reason, to be corrected and retried.
//!
//! - An HTTP producer gets the error in the response. A Redis producer gets no response, so errors are stored here.
//! - All copies of an event share one row.
//! - Acceptance is final: a further retry returns the same event.

pub mod http;
mod model;
mod service;
mod store;

pub use model::{RejectedEvent, Rejection};
pub use service::{list, retry, store_rejection};
