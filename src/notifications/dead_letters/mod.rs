//! Events from Redis that could not be accepted: kept with the reason, to be mended and tried again.
//!
//! - Over HTTP a producer is told; over Redis nobody is, so the tenant's people look here.
//! - A copy of an event is rejected once: its row goes by what the copies share.
//! - An event that was accepted at last stays so: a further try answers the same event.

pub mod http;
mod model;
mod service;
mod store;

pub use model::{RejectedEvent, Rejection};
pub use service::{keep, list, retry};
