//! One join of one connection, as a subscriber of its topic.

use std::sync::Arc;

use guichet_base::Actor;

use crate::hub::connection::{Connection, JoinId};
use crate::hub::mailbox::FrameClass;
use crate::wire::frame::Frame;
use crate::wire::{Encoder, Shape};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriberState {
    /// Its authorization is under way: it receives nothing, and misses nothing.
    Opening,
    /// The session reads from the log what was missed; signals are sent already.
    CatchingUp,
    Live,
    /// Its connection could not take an event, so it may not receive a later one: the session is about to end it.
    Ended,
}

pub struct Subscriber {
    pub id: JoinId,
    pub connection: Arc<Connection>,
    pub actor: Arc<Actor>,
    pub shape: Shape,
    pub(super) state: SubscriberState,
    /// The topic's stamp when it subscribed.
    pub(super) opened_stamp: u64,
    /// The number of the last event it has.
    last_seq: i64,
    /// The place of that event in the connection's queue.
    queue_number: u64,
    reported_seq: i64,
    /// A receipt that waits for the queue: the place there, and the number.
    pending_receipt: Option<(u64, i64)>,
}

/// Its events are still queued.
pub(super) struct ReceiptPending;

impl Subscriber {
    pub fn new(id: JoinId, connection: Arc<Connection>, actor: Arc<Actor>, shape: Shape) -> Self {
        Self {
            id,
            connection,
            actor,
            shape,
            state: SubscriberState::Opening,
            opened_stamp: 0,
            last_seq: 0,
            queue_number: 0,
            reported_seq: 0,
            pending_receipt: None,
        }
    }

    pub(super) fn push_prelude(&self, frames: Vec<Frame>) {
        for frame in frames {
            self.connection.push(frame, FrameClass::Control);
        }
    }

    /// Live from the next event on. `caught_up` events were queued by the session, and count as delivered when the
    /// queue has reached this point.
    pub(super) fn go_live(&mut self, after: i64) {
        let caught_up = self.state == SubscriberState::CatchingUp;
        self.state = SubscriberState::Live;
        self.last_seq = after;
        if caught_up {
            self.queue_number = self.connection.mailbox.last_queued();
        } else {
            self.reported_seq = after;
        }
    }

    pub(super) fn deliver(&mut self, seq: i64, encoder: &mut Encoder<'_>) {
        if self.state != SubscriberState::Live || seq <= self.last_seq {
            return;
        }
        match encoder.frame(self.shape).and_then(|frame| self.connection.push(frame, FrameClass::Durable)) {
            Some(number) => {
                self.last_seq = seq;
                self.queue_number = number;
            }
            None => self.state = SubscriberState::Ended,
        }
    }

    /// Whether it still has to catch up with the topic.
    pub(super) fn is_behind(&self) -> bool {
        matches!(self.state, SubscriberState::Opening | SubscriberState::CatchingUp)
    }

    pub(super) fn send(&self, encoder: &mut Encoder<'_>, class: FrameClass) {
        if let Some(frame) = encoder.frame(self.shape) {
            self.connection.push(frame, class);
        }
    }

    pub(super) fn take_receipt(&mut self) -> Result<Option<i64>, ReceiptPending> {
        if self.state != SubscriberState::Live || self.last_seq <= self.reported_seq {
            return Ok(None);
        }
        let (place, number) = *self.pending_receipt.get_or_insert((self.queue_number, self.last_seq));
        if self.connection.mailbox.sent() < place {
            return Err(ReceiptPending);
        }
        self.pending_receipt = None;
        self.reported_seq = number;
        Ok(Some(number))
    }
}
