//! What each person wants to be told, and how: their own choices, what operators force for a client, the tenant's
//! defaults; and the one decision that follows from them.
//!
//! - [`decide`] is pure; whoever asks loads what it needs, and stores what it answers.
//! - A change is in force for the next event.

pub mod decide;
mod defaults;
pub mod digest;
pub mod model;
pub mod quiet;

pub use decide::{Asked, Decision, Level, Levels, Recipient, Rule, Verdict, decide, preference};
pub use defaults::{TenantDefaults, tenant_defaults};
pub use digest::DigestMode;
pub use model::{Category, Channel, PerChannel, Priority, Say};
pub use quiet::QuietHours;
