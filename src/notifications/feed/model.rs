//! Responses of the feed endpoints other than notifications.

use guichet_base::id::NotificationId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::notifications::model::Notification;
use crate::preferences::Channel;

/// The unread notifications.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UnreadSummary {
    #[schema(example = 5)]
    pub count: i64,
    /// The newest of them.
    pub items: Vec<Notification>,
}

/// The result of marking many as read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReadMany {
    /// The number of notifications that were unread before.
    #[schema(example = 4)]
    pub updated: i64,
    #[schema(example = 1)]
    pub unread: i64,
}

/// A deleted notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Deleted {
    pub id: NotificationId,
    #[schema(example = 1)]
    pub unread: i64,
}

/// Statistics of one template on one channel.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Fared)]
pub struct NotificationStatistics {
    /// The template's code.
    #[serde(rename = "type")]
    #[schema(example = "mandat.created")]
    pub kind: String,
    pub channel: Channel,
    pub created: i64,
    /// Sent to the person's sockets, or accepted by a provider.
    pub delivered: i64,
    /// Opened mails, if the provider reports them.
    pub opened: i64,
    /// Read in the feed.
    pub read: i64,
    pub failed: i64,
    /// From creation to reading. Null if none was read.
    #[schema(required)]
    pub median_read_seconds: Option<f64>,
}
