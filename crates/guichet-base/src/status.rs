//! The presence status of a person.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Ordered from offline to online.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Offline,
    Idle,
    Online,
}

impl Status {
    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Offline => "offline",
            Status::Idle => "idle",
            Status::Online => "online",
        }
    }
}
