//! What a feed answers beside notifications.

use guichet_base::id::NotificationId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::notifications::model::Notification;
use crate::preferences::Channel;

/// What waits to be read.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UnreadSummary {
    #[schema(example = 5)]
    pub count: i64,
    /// The newest of them.
    pub items: Vec<Notification>,
}

/// What a reading of many did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReadMany {
    /// How many were not read before.
    #[schema(example = 4)]
    pub updated: i64,
    #[schema(example = 1)]
    pub unread: i64,
}

/// A notification that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Deleted {
    pub id: NotificationId,
    #[schema(example = 1)]
    pub unread: i64,
}

/// How the notifications of one template fared by one channel.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Fared {
    /// The template's code.
    #[serde(rename = "type")]
    #[schema(example = "mandat.created")]
    pub kind: String,
    pub channel: Channel,
    pub created: i64,
    /// Told to the person's sockets, or taken over by a provider.
    pub delivered: i64,
    /// Mails that were opened, where the provider tells.
    pub opened: i64,
    /// Read in the feed.
    pub read: i64,
    pub failed: i64,
    /// From its making to its reading. Null where none was read.
    #[schema(required)]
    pub median_read_seconds: Option<f64>,
}
