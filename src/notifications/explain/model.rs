//! The response of `explain`.

use guichet_base::id::{DeliveryId, EventId, NotificationId, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::preferences::{Channel, ChannelDecision, PerChannel};

/// What an event led to for one person: notification, channels and deliveries.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Explanation {
    pub event_id: EventId,
    pub user_id: UserId,
    /// The template's code, if the event or its notification is still stored.
    #[schema(required, example = "mandat.created")]
    pub event: Option<String>,
    /// Whether the event was addressed to this person. Null while a large audience is still being written and this
    /// person has not been processed yet.
    #[schema(required)]
    pub in_audience: Option<bool>,
    /// For each channel: whether it was used, by which rule and preference level. Null if nothing was decided.
    #[schema(required)]
    pub channels: Option<PerChannel<ChannelDecision>>,
    /// The notification, if the person sees one.
    #[schema(required)]
    pub notification_id: Option<NotificationId>,
    pub deliveries: Vec<ExplainedDelivery>,
}

/// One email, SMS or push delivery of the notification.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExplainedDelivery {
    pub id: DeliveryId,
    pub channel: Channel,
    #[schema(example = "queued")]
    pub status: String,
}
