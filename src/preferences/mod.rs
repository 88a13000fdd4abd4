//! What each person wants to be told, and how: their own choices, what operators force for a client, the tenant's
//! defaults; and the one decision that follows from them.
//!
//! - [`decide`] is pure; whoever asks loads what it needs, and stores what it answers.
//! - A change is in force for the next event.
//! - Nobody but the person changes their own choices. An override is the desk's, and wins over them.

pub mod decide;
mod defaults;
pub mod digest;
mod effective;
pub mod http;
pub mod model;
mod policy;
pub mod quiet;
mod service;
mod settings;
mod store;

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test stops at what it did not expect")]
mod tests;

pub use decide::{
    ChannelDecision, Decision, DecisionRule, EventProfile, PreferenceLevel, PreferenceLevels,
    RecipientProfile, combine_overrides, decide, resolve_preference,
};
pub use defaults::{TenantDefaults, tenant_defaults};
pub use digest::DigestMode;
pub use model::{Category, Channel, ChannelChoices, PerChannel, Priority};
pub use quiet::QuietHours;
