//! What is explained.

use guichet_base::id::{DeliveryId, EventId, NotificationId, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::preferences::{Channel, ChannelDecision, PerChannel};

/// What an event came to for one person.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Explanation {
    pub event_id: EventId,
    pub user_id: UserId,
    /// The template's code, where the event or its notification is still kept.
    #[schema(required, example = "mandat.created")]
    pub event: Option<String>,
    /// Whether the event was for this person. Null while a large audience is still being written, and this person was
    /// not reached yet.
    #[schema(required)]
    pub in_audience: Option<bool>,
    /// For each channel: used or not, by which rule, and which level of the preferences. Null where there was nothing
    /// to decide.
    #[schema(required)]
    pub channels: Option<PerChannel<ChannelDecision>>,
    /// The notification, where the person sees one.
    #[schema(required)]
    pub notification_id: Option<NotificationId>,
    pub deliveries: Vec<ExplainedDelivery>,
}

/// One mail, SMS or push of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExplainedDelivery {
    pub id: DeliveryId,
    pub channel: Channel,
    #[schema(example = "queued")]
    pub status: String,
}
