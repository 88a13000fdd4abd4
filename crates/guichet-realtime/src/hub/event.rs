//! Durable events, which are numbered within their topic, and ephemeral signals.
//!
//! Payloads are JSON serialized once, by their author; no code below parses them again.

use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use guichet_base::id::{ClientId, TenantId};

/// A durable event: one outbox row, written in the transaction of its cause.
///
/// `seq` counts 1, 2, 3 … within the topic. It is taken under the topic's row lock, so that a later number never
/// commits before an earlier one. Publishing an event twice is harmless.
#[derive(Debug, Clone)]
pub struct Event {
    pub tenant: TenantId,
    pub id: Uuid,
    /// Without the prefix `realtime:`.
    pub topic: Box<str>,
    pub seq: i64,
    pub name: Box<str>,
    pub payload: Box<RawValue>,
    /// Unnumbered topics that receive a copy, whose `meta.topic` names the numbered topic.
    pub copies: Vec<Box<str>>,
    /// Further events for unnumbered topics, sent with this one and never replayed.
    pub side_events: Vec<SideEvent>,
    /// The owner of the event, for row-level security on replay. `None` means the people that its row names.
    pub client: Option<ClientId>,
}

/// An event that accompanies another and is not stored, such as an unread counter.
#[derive(Debug, Clone, Deserialize)]
pub struct SideEvent {
    pub topic: Box<str>,
    pub event: Box<str>,
    pub payload: Box<RawValue>,
}

/// An ephemeral event of the service: typing, presence. Never stored; dropped first when a queue is full.
#[derive(Debug, Clone)]
pub struct Signal {
    pub tenant: TenantId,
    pub topic: Box<str>,
    pub name: Box<str>,
    pub payload: Box<RawValue>,
    pub copies: Vec<Box<str>>,
}
