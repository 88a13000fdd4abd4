//! The listeners to row changes, by tenant, table and read scope; and the queue of events whose changes are to be
//! published.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use guichet_base::id::TenantId;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{Binding, ReadScope, Table};
use crate::hub::connection::{Connection, JoinId, SessionOrder};
use crate::hub::event::Event;
use crate::hub::mailbox::FrameClass;
use crate::wire::frame::Frame;
use crate::wire::{self, Dialect};

/// Events in the queue. With one more, its listeners are asked to join again.
const MOST_WAITING: usize = 1_024;
/// Frames that are buffered until the reply of the join.
const MOST_EARLY: usize = 256;

/// One join that listens.
pub struct Listener {
    pub id: JoinId,
    pub tenant: TenantId,
    pub connection: Arc<Connection>,
    /// As joined, with or without the prefix.
    pub topic: Box<str>,
    pub dialect: Dialect,
    pub bindings: Vec<Binding>,
    state: Mutex<State>,
}

enum State {
    /// Its join has no reply yet: frames are buffered behind it.
    Early(Vec<Frame>),
    Live,
    /// It lost a frame, so it may not receive a later one.
    Lost,
}

impl Listener {
    pub fn new(
        id: JoinId,
        tenant: TenantId,
        connection: Arc<Connection>,
        topic: &str,
        dialect: Dialect,
        bindings: Vec<Binding>,
    ) -> Self {
        let state = Mutex::new(State::Early(Vec::new()));
        Self { id, tenant, connection, topic: topic.into(), dialect, bindings, state }
    }

    /// Sends the buffered frames, after the join's reply, and from then on all frames at once.
    pub fn go_live(&self) {
        let mut state = self.state.lock();
        let early = match std::mem::replace(&mut *state, State::Live) {
            State::Early(frames) => frames,
            State::Live => return,
            State::Lost => {
                *state = State::Lost;
                return self.connection.order(SessionOrder::ResumeJoin(self.id));
            }
        };
        for frame in early {
            if self.connection.push(frame, FrameClass::Durable).is_none() {
                *state = State::Lost;
                return;
            }
        }
    }

    pub(super) fn deliver(&self, payload: &str) {
        let mut state = self.state.lock();
        let frame = || wire::push(self.dialect, None, None, &self.topic, "postgres_changes", payload);
        match &mut *state {
            State::Early(frames) if frames.len() < MOST_EARLY => frames.push(frame()),
            State::Early(_) => *state = State::Lost,
            State::Live => {
                if self.connection.push(frame(), FrameClass::Durable).is_none() {
                    *state = State::Lost;
                }
            }
            State::Lost => {}
        }
    }

    /// Its changes could not be published: it has to join again.
    pub(super) fn lose(&self) {
        *self.state.lock() = State::Lost;
        self.connection.order(SessionOrder::ResumeJoin(self.id));
    }

    fn tables(&self) -> Vec<&'static str> {
        let mut names: Vec<_> =
            self.bindings.iter().flat_map(Binding::tables).map(|table| table.name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// The listeners of this process, and the queue of events.
#[derive(Default)]
pub struct Changes {
    tables: Vec<&'static Table>,
    /// Number of listeners: with 0, events need no work.
    listening: AtomicUsize,
    index: Mutex<Index>,
    waiting: Mutex<VecDeque<Arc<Event>>>,
    woken: Notify,
}

/// The listeners to one table in one tenant.
type Places = HashMap<ReadScope, Vec<Arc<Listener>>>;

#[derive(Default)]
struct Index {
    listeners: HashMap<JoinId, (Arc<Listener>, Vec<ReadScope>)>,
    by_reach: HashMap<(TenantId, &'static str), Places>,
}

impl Changes {
    pub fn of(tables: Vec<&'static Table>) -> Self {
        Self { tables, ..Self::default() }
    }

    /// The declared tables.
    pub fn tables(&self) -> &[&'static Table] {
        &self.tables
    }

    /// Adds `listener` to everything in its read scope.
    pub fn listen(&self, listener: &Arc<Listener>, reach: Vec<ReadScope>) {
        let mut index = self.index.lock();
        index.remove(listener.id);
        index.insert(listener, reach);
        self.listening.store(index.listeners.len(), Ordering::Release);
    }

    /// Removes the listener of the join, if there is one.
    pub fn leave(&self, id: JoinId) {
        if self.listening.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut index = self.index.lock();
        index.remove(id);
        self.listening.store(index.listeners.len(), Ordering::Release);
    }

    /// Whether the join has a listener.
    pub fn hears(&self, id: JoinId) -> bool {
        self.listening.load(Ordering::Acquire) > 0 && self.index.lock().listeners.contains_key(&id)
    }

    /// Number of bindings of the join, and of patterns in them.
    pub fn weight(&self, id: JoinId) -> (usize, usize) {
        if self.listening.load(Ordering::Acquire) == 0 {
            return (0, 0);
        }
        let index = self.index.lock();
        index.listeners.get(&id).map_or((0, 0), |(listener, _)| {
            (listener.bindings.len(), listener.bindings.iter().map(Binding::patterns).sum())
        })
    }

    /// Replaces the read scope of the join's listener, if there is one.
    pub fn reach_anew(&self, id: JoinId, reach: Vec<ReadScope>) {
        let mut index = self.index.lock();
        if let Some(listener) = index.remove(id) {
            index.insert(&listener, reach);
        }
    }

    /// Whether there are listeners for what the event changed.
    pub fn concern_anybody(&self, event: &Event) -> bool {
        self.listening.load(Ordering::Acquire) > 0
            && self.concerned(event).any(|table| !self.listeners(event, table).is_empty())
    }

    /// Adds an event that this process sees for the first time.
    pub fn offer(&self, event: &Arc<Event>) {
        if !self.concern_anybody(event) {
            return;
        }
        let mut waiting = self.waiting.lock();
        if waiting.len() < MOST_WAITING {
            waiting.push_back(Arc::clone(event));
            drop(waiting);
            return self.woken.notify_one();
        }
        drop(waiting);
        tracing::warn!(
            "row changes arrive faster than they can be delivered; their subscribers are asked to join again"
        );
        for table in self.concerned(event) {
            for listener in self.listeners(event, table) {
                listener.lose();
            }
        }
    }

    /// The next event whose changes are to be published.
    pub async fn next(&self) -> Arc<Event> {
        loop {
            if let Some(event) = self.waiting.lock().pop_front() {
                return event;
            }
            self.woken.notified().await;
        }
    }

    /// The tables whose rows the event changes.
    pub fn concerned(&self, event: &Event) -> impl Iterator<Item = &'static Table> {
        self.tables.iter().copied().filter(|table| table.events.contains(&&*event.name))
    }

    /// The listeners to the table that may read what the event changed, without duplicates.
    pub fn listeners(&self, event: &Event, table: &Table) -> Vec<Arc<Listener>> {
        self.index.lock().listeners_of(event, table)
    }

    /// Number of entries in the index.
    #[cfg(test)]
    pub fn places(&self) -> usize {
        self.index.lock().by_reach.values().map(HashMap::len).sum()
    }
}

impl Index {
    fn insert(&mut self, listener: &Arc<Listener>, reach: Vec<ReadScope>) {
        for table in listener.tables() {
            let places = self.by_reach.entry((listener.tenant, table)).or_default();
            for reach in &reach {
                places.entry(*reach).or_default().push(Arc::clone(listener));
            }
        }
        self.listeners.insert(listener.id, (Arc::clone(listener), reach));
    }

    fn remove(&mut self, id: JoinId) -> Option<Arc<Listener>> {
        let (listener, reach) = self.listeners.remove(&id)?;
        for table in listener.tables() {
            let key = (listener.tenant, table);
            let Some(places) = self.by_reach.get_mut(&key) else { continue };
            for reach in &reach {
                if let Some(here) = places.get_mut(reach) {
                    here.retain(|other| other.id != id);
                    if here.is_empty() {
                        places.remove(reach);
                    }
                }
            }
            if places.is_empty() {
                self.by_reach.remove(&key);
            }
        }
        Some(listener)
    }

    fn listeners_of(&self, event: &Event, table: &Table) -> Vec<Arc<Listener>> {
        let Some(places) = self.by_reach.get(&(event.tenant, table.name)) else { return Vec::new() };
        let mut found: Vec<Arc<Listener>> =
            (table.whose)(event).iter().filter_map(|reach| places.get(reach)).flatten().cloned().collect();
        found.sort_by_key(|listener| (listener.id.connection, listener.id.join));
        found.dedup_by_key(|listener| listener.id);
        found
    }
}
