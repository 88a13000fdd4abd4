//! One topic of one tenant in this process: its subscribers and their positions. Pure: no clock, no I/O.
//!
//! Invariants of a numbered topic:
//! - `position` is the number of the last event given to live subscribers; the next one is `position + 1`.
//! - A live subscriber was given, in order and once, every event after the number at which it was activated.
//! - `ring` holds, without gaps, the last events up to `position` since a subscriber came in that is not live yet, as
//!   far as its size allows: `activate` takes from it what commits between a read and the activation.
//! - `pending` holds events that cannot be given yet; those that did not fit are read again, since `seen` is kept.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use guichet_base::Actor;
use guichet_base::id::UserId;

use super::subscriber::{Subscriber, SubscriberState};
use crate::backend::Audience;
use crate::hub::connection::{JoinId, SessionOrder};
use crate::hub::event::Event;
use crate::hub::mailbox::FrameClass;
use crate::wire::frame::Frame;
use crate::wire::{BroadcastContent, Encoder, Spelling};

const RING_EVENTS: usize = 64;
const MAX_PENDING: usize = 1_024;
const MAX_OPENING_BUFFER: usize = 256;

pub struct Topic {
    name: Box<str>,
    spelling: Spelling,
    subscribers: Vec<Subscriber>,
    position: Option<i64>,
    /// The highest number seen; between `position` and it there is a gap.
    highest_seq: i64,
    pending: BTreeMap<i64, Arc<Event>>,
    ring: VecDeque<Arc<Event>>,
    /// For an unnumbered topic: what was published while the authorization of a join was under way.
    opening_buffer: VecDeque<(u64, UnnumberedDispatch)>,
    stamp: u64,
    /// The stamp of the newest entry that the backlog no longer holds.
    dropped_stamp: u64,
}

/// What an event sends to an unnumbered topic.
#[derive(Clone)]
pub enum UnnumberedDispatch {
    Copy(Arc<Event>),
    /// The event's side event at this index.
    SideEvent(Arc<Event>, usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    Live,
    /// The topic advanced beyond the ring: read on from the log, and try again.
    Behind,
    /// What was published meanwhile is gone, or the topic was abandoned: the join must fail, and be retried.
    Lost,
}

impl UnnumberedDispatch {
    fn content(&self) -> Option<BroadcastContent<'_>> {
        match self {
            UnnumberedDispatch::Copy(event) => Some(BroadcastContent::Copy(event)),
            UnnumberedDispatch::SideEvent(event, index) => event.side_events.get(*index).map(|aside| {
                BroadcastContent::Ephemeral { event: &aside.event, payload: aside.payload.get() }
            }),
        }
    }

    /// A side event carries a state (a counter), so the next one replaces a lost one.
    fn class(&self) -> FrameClass {
        match self {
            UnnumberedDispatch::Copy(_) => FrameClass::Durable,
            UnnumberedDispatch::SideEvent(..) => FrameClass::Ephemeral,
        }
    }
}

impl Topic {
    pub fn new(name: &str, spelling: Spelling) -> Self {
        Self {
            name: name.into(),
            spelling,
            subscribers: Vec::new(),
            position: None,
            highest_seq: 0,
            pending: BTreeMap::new(),
            ring: VecDeque::new(),
            opening_buffer: VecDeque::new(),
            stamp: 0,
            dropped_stamp: 0,
        }
    }

    pub fn open(&mut self, mut subscriber: Subscriber) {
        subscriber.opened_stamp = self.stamp;
        self.subscribers.push(subscriber);
    }

    pub fn remove(&mut self, id: JoinId) {
        self.subscribers.retain(|subscriber| subscriber.id != id);
        self.trim();
    }

    /// The subscribers, once per join.
    pub fn live_users(&self) -> impl Iterator<Item = UserId> {
        self.subscribers.iter().filter(|one| one.state == SubscriberState::Live).map(|one| one.actor.user)
    }

    pub fn is_empty(&self) -> bool {
        self.subscribers.is_empty()
    }

    pub fn position(&self) -> Option<i64> {
        self.position
    }

    /// Accepts a durable event from any source, in any order, any number of times.
    pub fn offer(&mut self, event: &Arc<Event>) {
        self.highest_seq = self.highest_seq.max(event.seq);
        match self.position {
            Some(position) if event.seq <= position => {}
            Some(position) if event.seq == position + 1 => {
                self.deliver(Arc::clone(event));
                self.deliver_pending();
            }
            Some(_) | None => self.buffer(event),
        }
    }

    /// The missing numbers below the highest one seen: after the first number, up to the second.
    pub fn gap(&self) -> Option<(i64, i64)> {
        let position = self.position?;
        let up_to = self.pending.first_key_value().map_or(self.highest_seq, |(first, _)| first - 1);
        (self.highest_seq > position).then_some((position, up_to))
    }

    /// Queues `prelude` (the join's reply) and lets signals through while the session reads what it missed.
    pub fn catch_up(&mut self, id: JoinId, prelude: Vec<Frame>) -> Activation {
        let Some(subscriber) = self.find(id) else { return Activation::Lost };
        subscriber.push_prelude(prelude);
        subscriber.state = SubscriberState::CatchingUp;
        Activation::Behind
    }

    /// Makes a subscriber that has everything up to `after` live, without a gap.
    pub fn activate(&mut self, id: JoinId, after: i64, prelude: Vec<Frame>) -> Activation {
        let position = self.position.unwrap_or(after);
        let bridge = match self.ring.front() {
            _ if position <= after => Vec::new(),
            Some(first) if first.seq <= after + 1 => {
                self.ring.iter().filter(|event| event.seq > after).cloned().collect()
            }
            _ => return self.catch_up(id, prelude),
        };
        let spelling = self.spelling;
        let Some(subscriber) = self.find(id) else { return Activation::Lost };
        subscriber.push_prelude(prelude);
        subscriber.go_live(after);
        for event in &bridge {
            subscriber.deliver(
                event.seq,
                &mut Encoder::new(&event.topic, BroadcastContent::Event(event), spelling),
            );
        }
        self.finish_activation(position, after);
        Activation::Live
    }

    /// The same for a topic without numbers.
    pub fn activate_unnumbered(&mut self, id: JoinId, prelude: Vec<Frame>) -> Activation {
        let backlog = std::mem::take(&mut self.opening_buffer);
        let (lost, name, spelling) = (self.dropped_stamp, self.name.clone(), self.spelling);
        let activation = match self.find(id) {
            Some(subscriber) if subscriber.opened_stamp >= lost => {
                subscriber.push_prelude(prelude);
                subscriber.state = SubscriberState::Live;
                for (_, item) in backlog.iter().filter(|(stamp, _)| *stamp > subscriber.opened_stamp) {
                    if let Some(content) = item.content() {
                        subscriber.send(&mut Encoder::new(&name, content, spelling), item.class());
                    }
                }
                Activation::Live
            }
            Some(_) | None => Activation::Lost,
        };
        self.opening_buffer = backlog;
        self.trim();
        activation
    }

    /// Publishes an event to an unnumbered topic.
    pub fn publish(&mut self, item: UnnumberedDispatch) {
        let Some(content) = item.content() else { return };
        self.stamp += 1;
        let mut encoder = Encoder::new(&self.name, content, self.spelling);
        for subscriber in &mut self.subscribers {
            if subscriber.state == SubscriberState::Live {
                subscriber.send(&mut encoder, item.class());
            }
        }
        if self.has_opening() {
            self.opening_buffer.push_back((self.stamp, item));
            if self.opening_buffer.len() > MAX_OPENING_BUFFER
                && let Some((stamp, _)) = self.opening_buffer.pop_front()
            {
                self.dropped_stamp = stamp;
            }
        }
    }

    /// Publishes an ephemeral message to all subscribers but `except`.
    pub fn broadcast(&mut self, content: BroadcastContent<'_>, except: Option<JoinId>) {
        let mut encoder = Encoder::new(&self.name, content, self.spelling);
        for subscriber in &mut self.subscribers {
            if matches!(subscriber.state, SubscriberState::CatchingUp | SubscriberState::Live)
                && Some(subscriber.id) != except
            {
                subscriber.send(&mut encoder, FrameClass::Ephemeral);
            }
        }
    }

    /// Publishes an ephemeral message to the subscribers in `audience`.
    pub fn broadcast_to(&mut self, content: BroadcastContent<'_>, audience: &Audience) {
        let mut encoder = Encoder::new(&self.name, content, self.spelling);
        for subscriber in &mut self.subscribers {
            let hears = matches!(subscriber.state, SubscriberState::CatchingUp | SubscriberState::Live);
            if hears && audience.includes(&subscriber.actor) {
                subscriber.send(&mut encoder, FrameClass::Ephemeral);
            }
        }
    }

    /// Abandons a gap that cannot be filled: all subscribers start again from the log, which is complete.
    pub fn abandon(&mut self) {
        for subscriber in &self.subscribers {
            subscriber.connection.order(SessionOrder::ResumeJoin(subscriber.id));
        }
        self.position = None;
        self.pending.clear();
        self.ring.clear();
        self.subscribers.clear();
    }

    /// The people who received events since the last call, with their highest number. Returns whether some events are
    /// still queued.
    pub fn collect_receipts(&mut self, out: &mut Vec<(Arc<Actor>, i64)>) -> bool {
        let mut waits = false;
        for subscriber in &mut self.subscribers {
            match subscriber.take_receipt() {
                Ok(Some(up_to)) => out.push((Arc::clone(&subscriber.actor), up_to)),
                Ok(None) => {}
                Err(super::subscriber::ReceiptPending) => waits = true,
            }
        }
        waits
    }

    fn find(&mut self, id: JoinId) -> Option<&mut Subscriber> {
        self.subscribers.iter_mut().find(|subscriber| subscriber.id == id)
    }

    fn finish_activation(&mut self, position: i64, after: i64) {
        self.position = Some(position);
        self.highest_seq = self.highest_seq.max(after);
        self.pending.retain(|seq, _| *seq > position);
        self.deliver_pending();
        self.trim();
    }

    fn buffer(&mut self, event: &Arc<Event>) {
        self.pending.insert(event.seq, Arc::clone(event));
        if self.pending.len() > MAX_PENDING {
            self.pending.pop_last();
        }
    }

    fn deliver_pending(&mut self) {
        while let (Some(position), Some(entry)) = (self.position, self.pending.first_entry()) {
            if *entry.key() != position + 1 {
                return;
            }
            let event = entry.remove();
            self.deliver(event);
        }
    }

    fn deliver(&mut self, event: Arc<Event>) {
        let mut encoder = Encoder::new(&self.name, BroadcastContent::Event(&event), self.spelling);
        for subscriber in &mut self.subscribers {
            subscriber.deliver(event.seq, &mut encoder);
        }
        self.position = Some(event.seq);
        if self.subscribers.iter().any(Subscriber::is_behind) {
            self.ring.push_back(event);
            if self.ring.len() > RING_EVENTS {
                self.ring.pop_front();
            }
        } else {
            // The ring must be contiguous.
            self.ring.clear();
        }
    }

    fn has_opening(&self) -> bool {
        self.subscribers.iter().any(|subscriber| subscriber.state == SubscriberState::Opening)
    }

    /// Drops what no subscriber waits for.
    fn trim(&mut self) {
        if !self.subscribers.iter().any(Subscriber::is_behind) {
            self.ring = VecDeque::new();
        }
        if !self.has_opening() {
            self.opening_buffer = VecDeque::new();
        }
    }
}
