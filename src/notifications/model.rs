//! What a person is told, as it travels in REST and in events.

use guichet_base::id::{EventId, NotificationId, TeamId, UserId};
use guichet_base::{Role, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::preferences::{Category, Channel, Priority};

/// How far a person is with a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = NotificationStatus)]
pub enum Status {
    Unread,
    Read,
    Archived,
}

impl Status {
    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Unread => "unread",
            Status::Read => "read",
            Status::Archived => "archived",
        }
    }

    pub fn of_word(word: &str) -> Option<Self> {
        [Status::Unread, Status::Read, Status::Archived].into_iter().find(|one| one.as_str() == word)
    }
}

/// One entry of a person's feed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Notification {
    pub id: NotificationId,
    /// Its place in the order in which the person was told.
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
    /// Relative to the app.
    #[schema(required, example = "/mandats/42")]
    pub link: Option<String>,
    /// Every field of the event's payload, and `url`, which is `link`.
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

/// Where an event came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventSource {
    Http,
    /// Redis publish/subscribe.
    Channel,
    /// A Redis stream.
    Stream,
    /// guichet itself: a job, a room.
    Internal,
    /// Sent by hand by a person.
    Manual,
}

impl EventSource {
    pub const fn as_str(self) -> &'static str {
        match self {
            EventSource::Http => "http",
            EventSource::Channel => "channel",
            EventSource::Stream => "stream",
            EventSource::Internal => "internal",
            EventSource::Manual => "manual",
        }
    }
}

/// Whom an event names. Everybody in any of these, once; the actor is left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Recipients {
    pub users: Vec<UserId>,
    pub teams: Vec<TeamId>,
    #[schema(example = json!(["manager"]))]
    pub roles: Vec<Role>,
    /// All members of these clients.
    pub clients: Vec<guichet_base::id::ClientId>,
    /// Everybody of the tenant.
    pub everyone: bool,
}

/// An event as its source tells it, before anything is known of it.
#[derive(Debug, Clone)]
pub struct Announced {
    pub event: String,
    pub payload: Map<String, Value>,
    /// `None`: the template's own audience.
    pub recipients: Option<Recipients>,
    pub actor: Option<UserId>,
    /// When it happened, where the producer says so.
    pub occurred_at: Option<Timestamp>,
    pub idempotency_key: Option<String>,
    pub source: EventSource,
    /// Instead of `NOTIFICATION_DEFAULT_TTL`.
    pub expires_at: Option<Timestamp>,
}

/// How far an event is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventProgress {
    pub id: EventId,
    #[schema(example = "mandat.created")]
    pub event: String,
    /// `done`, or `running` while a job writes the notifications of a large audience.
    #[schema(example = "done")]
    pub status: String,
    /// Recipients found.
    pub planned: i64,
    /// Notifications written.
    pub written: i64,
    /// Recipients who got none, and `explain` says why.
    pub skipped: i64,
    /// Outside deliveries that a provider took over.
    pub delivered: i64,
    pub failed: i64,
}

/// A row's group: at most one unread notification of a person carries it.
pub fn conversation_group(conversation: Uuid) -> String {
    format!("conversation:{conversation}")
}
