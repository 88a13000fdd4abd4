//! Notifications and events as REST and sockets carry them.

use std::time::Duration;

use guichet_base::id::{EventId, NotificationId, TeamId, UserId};
use guichet_base::{Role, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strum::{EnumString, IntoStaticStr};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::preferences::{Category, Channel, Priority};

/// Time after the due time of a delivery in which attempts may begin.
pub const DELIVERY_DEADLINE: Duration = Duration::from_hours(24);

/// The state of a notification for its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, EnumString, IntoStaticStr)]
#[strum(serialize_all = "lowercase", const_into_str)]
#[serde(rename_all = "lowercase")]
#[schema(as = NotificationStatus)]
pub enum Status {
    Unread,
    Read,
    Archived,
}

/// One entry of a person's feed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Notification {
    pub id: NotificationId,
    /// The sequence number of the notification in the feed.
    #[schema(example = 12)]
    pub seq: i64,
    /// The template's code.
    #[serde(rename = "type")]
    #[schema(example = "mandat.created")]
    pub kind: String,
    pub category: Category,
    #[schema(example = "Nouveau mandat : Rue des Lilas")]
    pub title: String,
    pub body: String,
    /// A path within the app.
    #[schema(required, example = "/mandats/42")]
    pub link: Option<String>,
    /// Every field of the event's payload, and `url`, which equals `link`.
    #[schema(value_type = Object)]
    pub data: Value,
    pub priority: Priority,
    pub status: Status,
    pub is_read: bool,
    /// The channel that the template prefers.
    pub channel: Channel,
    #[schema(required)]
    pub read_at: Option<Timestamp>,
    #[schema(required)]
    pub archived_at: Option<Timestamp>,
    #[schema(required)]
    pub snoozed_until: Option<Timestamp>,
    #[schema(required)]
    pub expires_at: Option<Timestamp>,
    pub event_id: EventId,
    #[schema(required)]
    pub team_id: Option<TeamId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The source of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "lowercase", const_into_str)]
pub enum EventSource {
    Http,
    /// Redis publish/subscribe.
    Channel,
    /// A Redis stream.
    Stream,
    /// guichet itself: a job, or chat.
    Internal,
    /// Sent manually by a person.
    Manual,
}

/// The recipients that an event names: everyone in any of these lists, once, without the actor.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Recipients {
    pub users: Vec<UserId>,
    pub teams: Vec<TeamId>,
    #[schema(example = json!(["manager"]))]
    pub roles: Vec<Role>,
    /// All members of these clients.
    pub clients: Vec<guichet_base::id::ClientId>,
    /// Everyone in the tenant.
    pub everyone: bool,
}

/// An event as its source announces it, before validation against the template.
#[derive(Debug, Clone)]
pub struct AnnouncedEvent {
    pub event: String,
    pub payload: Map<String, Value>,
    /// `None` means the audience of the template.
    pub recipients: Option<Recipients>,
    pub actor: Option<UserId>,
    /// When the event happened, if the producer states it.
    pub occurred_at: Option<Timestamp>,
    pub idempotency_key: Option<String>,
    pub source: EventSource,
    /// Overrides `NOTIFICATION_DEFAULT_TTL`.
    pub expires_at: Option<Timestamp>,
}

/// The progress of an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventProgress {
    pub id: EventId,
    #[schema(example = "mandat.created")]
    pub event: String,
    /// `done`, or `running` while a job writes the notifications of a large audience.
    #[schema(example = "done")]
    pub status: String,
    /// Number of recipients in the audience, without the actor.
    pub planned: i64,
    /// Notifications written.
    pub written: i64,
    /// Recipients without a notification; `explain` shows why.
    pub skipped: i64,
    /// Deliveries that a provider accepted.
    pub delivered: i64,
    pub failed: i64,
}

/// The group of a conversation's notifications: a person has at most one unread notification per group.
pub fn conversation_group(conversation: Uuid) -> String {
    format!("conversation:{conversation}")
}
