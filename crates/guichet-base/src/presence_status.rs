//! The presence status of a person.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Ordered from offline to online.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Status)]
pub enum PresenceStatus {
    Offline,
    Idle,
    Online,
}

impl PresenceStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            PresenceStatus::Offline => "offline",
            PresenceStatus::Idle => "idle",
            PresenceStatus::Online => "online",
        }
    }
}
