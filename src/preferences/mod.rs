//! Notification preferences: people's own choices, operators' overrides for a client, the tenant's defaults, and the
//! decision whether to use a channel.
//!
//! - [`decide()`] does no I/O; its caller loads the inputs and stores the result.
//! - A change takes effect with the next event.
//! - Only the person changes their choices. An operator's override wins over them.

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
#[expect(clippy::indexing_slicing, reason = "an index out of range fails the test")]
mod tests;

pub use decide::{
    ChannelDecision, Decision, DecisionRule, EventProfile, PreferenceLevel, PreferenceLevels,
    RecipientProfile, combine_choices, decide, resolve_preference,
};
pub use defaults::{TenantDefaults, tenant_defaults};
pub use digest::DigestMode;
pub use model::{Category, Channel, ChannelChoices, PerChannel, Priority};
pub use quiet::QuietHours;
