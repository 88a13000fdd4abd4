//! One joined topic of one connection.

use std::collections::VecDeque;

use guichet_base::id::TenantId;

use crate::hub::Hub;
use crate::hub::connection::JoinId;
use crate::hub::event::Event;
use crate::presence::RosterKey;
use crate::wire::{self, Push, Shape};

pub(super) struct Channel {
    /// As joined, with or without the prefix.
    pub topic: Box<str>,
    pub join_ref: Option<Box<str>>,
    pub id: JoinId,
    pub tenant: TenantId,
    pub shape: Shape,
    pub ack: bool,
    pub own: bool,
    pub plain_phoenix: bool,
    /// A topic unknown to guichet, joined for row changes only: no broadcasts are possible.
    pub is_changes_only: bool,
    /// The topic's number at the join; `None` for a topic without numbers.
    pub head: Option<i64>,
    /// While it reads missed events from the log: the last number it was given.
    pub catching_up: Option<i64>,
    /// While it catches up: the backlog of its person, to be sent before anything else.
    pub waiting: VecDeque<Event>,
    /// Its place on the topic's roster.
    pub roster_key: RosterKey,
}

impl Channel {
    pub fn bare(&self) -> &str {
        wire::bare(&self.topic)
    }

    pub fn is_catching_up(&self) -> bool {
        self.catching_up.is_some()
    }

    /// Whether a frame belongs to this join and not to an earlier one. A frame without `join_ref` does.
    pub fn is_current(&self, push: &Push<'_>) -> bool {
        push.join_ref.is_none() || push.join_ref == self.join_ref
    }

    pub fn head(&self, hub: &Hub) -> Option<i64> {
        let at_join = self.head?;
        Some(hub.position(self.tenant, self.bare()).unwrap_or(at_join).max(at_join))
    }

    pub fn end(&self, hub: &Hub) {
        hub.unsubscribe(self.tenant, self.bare(), self.id);
        // The connection was lost and may return. A channel that was left has been removed before.
        hub.presence().lose(self.tenant, self.bare(), &self.roster_key, self.id);
    }
}
