//! Newtypes for ids, so that a client's id cannot be passed where a person's is expected.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new UUID v7: later ids sort after earlier ones.
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            /// Accepts the hyphenated form only, so that each record has one spelling of its id.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse::<uuid::fmt::Hyphenated>().map(|id| Self(id.into_uuid()))
            }
        }
    )+};
}

ids! {
    /// A business that uses the service. Its data is separate from that of all others.
    TenantId,
    /// A person (operator or member), or a service actor. For a person, the `sub` of their tokens.
    UserId,
    /// A customer account of the tenant.
    ClientId,
    TeamId,
    ProjectId,
    ConversationId,
    MessageId,
    /// A business event.
    EventId,
    NotificationId,
    DeliveryId,
}
