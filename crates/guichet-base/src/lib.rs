//! Types and rules that all other crates share, without I/O.
//!
//! The features `actix` and `diesel` implement those crates' traits for our types; nothing else here depends on them.

#[cfg(feature = "actix")]
mod actix_impls;
pub mod actor;
pub mod clock;
#[cfg(feature = "diesel")]
pub mod diesel_error;
#[cfg(feature = "diesel")]
mod diesel_impls;
pub mod error;
pub mod error_body;
pub mod id;
pub mod page;
pub mod permission;
mod presence_status;
pub mod role;
pub mod text;

pub use actor::Actor;
pub use clock::{Clock, Timestamp};
pub use error::{Error, ErrorKind, Fault, Result};
pub use presence_status::PresenceStatus;
pub use role::Role;
pub use text::Locale;

use std::net::IpAddr;

/// Maximum size of a JSON request body, and of an event from a producer: 1 MiB.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// IP address of the caller, not of a trusted proxy in between. Stored in the extensions of every request whose
/// peer has an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallerAddress(pub IpAddr);
