//! What every room stands on: plain values and rules, with no I/O, no actix and no Diesel.

pub mod actor;
pub mod clock;
pub mod error;
pub mod id;
pub mod page;
pub mod role;
mod status;
pub mod text;

pub use actor::Actor;
pub use clock::{Clock, Timestamp};
pub use error::{Error, Fault, Kind, Result};
pub use role::Role;
pub use status::Status;
pub use text::Locale;
