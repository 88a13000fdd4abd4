//! What is told: durable events, numbered within their topic, and signals, which are of the moment.
//!
//! Payloads are JSON that was serialized once, where it arose; nothing below parses them again.

use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use guichet_base::id::{ClientId, TenantId};

/// A durable event: one row of the outbox, written in the transaction of its cause.
///
/// `seq` counts 1, 2, 3 … within the topic and is taken under the topic's row lock, so that a later number never
/// commits before an earlier one. Publishing the same event again is harmless.
#[derive(Debug, Clone)]
pub struct Event {
    pub tenant: TenantId,
    pub id: Uuid,
    /// The bare name, without `realtime:`.
    pub topic: Box<str>,
    pub seq: i64,
    pub name: Box<str>,
    pub payload: Box<RawValue>,
    /// Unnumbered topics that get the same event, with `meta.topic` naming where it lives.
    pub copies: Vec<Box<str>>,
    /// What else is said at the same moment, to unnumbered topics; never replayed.
    pub also: Vec<SideEvent>,
    /// Whose event it is, for row-level security on replay. `None`: of the people whom its row names.
    pub client: Option<ClientId>,
}

/// A side effect of an event that is told but not kept: an unread counter, say.
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
