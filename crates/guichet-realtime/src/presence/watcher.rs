//! A join that receives the presence of its topic.
//!
//! Its frames are dropped first when its queue is full. Then it starts again with the complete state in pieces: each
//! piece waits for room, so that a thousand people fit through a queue for a hundred.

use std::sync::Arc;

use guichet_base::id::UserId;
use serde_json::Value;

use super::roster_key::{EntryChange, RosterKey};
use crate::backend::Visibility;
use crate::hub::connection::{Connection, JoinId};
use crate::hub::mailbox::FrameClass;
use crate::wire::frame::Frame;
use crate::wire::{self, Shape};

/// A piece is about this fraction of the queue.
const PIECE_DIVISOR: usize = 16;

pub struct Watcher {
    pub join: JoinId,
    pub connection: Arc<Connection>,
    pub shape: Shape,
    pub join_ref: Option<Box<str>>,
    pub visibility: Visibility,
    pub progress: SnapshotProgress,
}

/// How much of the complete state a watcher has received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotProgress {
    Nothing,
    Through(RosterKey),
    UpToDate,
}

/// The diff of a flush, encoded once per shape for watchers who see everyone.
pub struct SharedDiff<'a> {
    topic: &'a str,
    changes: &'a [EntryChange],
    frames: [Option<Frame>; wire::SHAPES],
}

impl<'a> SharedDiff<'a> {
    pub fn new(topic: &'a str, changes: &'a [EntryChange]) -> Self {
        Self { topic, changes, frames: [const { None }; wire::SHAPES] }
    }

    fn frame(&mut self, shape: Shape) -> Option<Frame> {
        let slot = self.frames.get_mut(shape.slot())?;
        if slot.is_none() {
            *slot = diff(self.topic, shape, self.changes.iter());
        }
        slot.clone()
    }
}

impl Watcher {
    /// Sends the changes of what the watcher has received.
    pub(super) fn send_diff(&mut self, shared: &mut SharedDiff<'_>) {
        let frame = match (&self.progress, &self.visibility) {
            (SnapshotProgress::Nothing, _) => None,
            (SnapshotProgress::UpToDate, Visibility::Everyone) => shared.frame(self.shape),
            (progress, visibility) => {
                let is_given = |key: &RosterKey| match progress {
                    SnapshotProgress::Through(last) => key <= last,
                    SnapshotProgress::Nothing | SnapshotProgress::UpToDate => true,
                };
                let changes = shared
                    .changes
                    .iter()
                    .filter(|change| visibility.includes(change.key.user) && is_given(&change.key));
                diff(shared.topic, self.shape, changes)
            }
        };
        if let Some(frame) = frame {
            self.push(frame);
        }
    }

    /// Sends the next piece of the complete state. Returns false if the queue has no room for it now.
    pub(super) fn send_next_piece<'e>(
        &mut self,
        topic: &str,
        pieces: impl FnOnce(Option<&RosterKey>) -> Box<dyn Iterator<Item = (&'e RosterKey, String)> + 'e>,
    ) -> bool {
        let after = match &self.progress {
            SnapshotProgress::Through(key) => Some(key.clone()),
            SnapshotProgress::Nothing | SnapshotProgress::UpToDate => None,
        };
        let piece_bytes = self.connection.mailbox.bound() / PIECE_DIVISOR;
        let (mut metas, mut last, mut is_last) = (MetasJson::default(), after.as_ref(), true);
        for (key, meta) in pieces(after.as_ref()) {
            if metas.0.len() > piece_bytes {
                is_last = false;
                break;
            }
            last = Some(key);
            if self.visibility.includes(key.user) {
                metas.add(key, &meta);
            }
        }
        let metas = metas.finish();
        let frame = if self.progress == SnapshotProgress::Nothing {
            Some(wire::presence(self.shape, self.join_ref.as_deref(), topic, "presence_state", &metas))
        } else {
            let payload = format!(r#"{{"joins":{metas},"leaves":{{}}}}"#);
            (metas.len() > 2).then(|| wire::presence(self.shape, None, topic, "presence_diff", &payload))
        };
        let next = match last {
            Some(key) if !is_last => SnapshotProgress::Through(key.clone()),
            _ => SnapshotProgress::UpToDate,
        };
        if let Some(frame) = frame {
            let mailbox = &self.connection.mailbox;
            if !mailbox.has_space_for(frame.len()) && !mailbox.is_empty() {
                return false;
            }
            self.progress = next;
            return self.push(frame);
        }
        self.progress = next;
        true
    }

    fn push(&mut self, frame: Frame) -> bool {
        let is_queued = self.connection.push(frame, FrameClass::Presence).is_some();
        if !is_queued {
            self.progress = SnapshotProgress::Nothing;
        }
        is_queued
    }
}

fn diff<'c>(topic: &str, shape: Shape, changes: impl Iterator<Item = &'c EntryChange>) -> Option<Frame> {
    let (mut joins, mut leaves) = (MetasJson::default(), MetasJson::default());
    for change in changes {
        if let Some(meta) = &change.join {
            joins.add(&change.key, meta);
        }
        if let Some(meta) = &change.leave {
            leaves.add(&change.key, meta);
        }
    }
    if joins.0.is_empty() && leaves.0.is_empty() {
        return None;
    }
    let payload = format!(r#"{{"joins":{},"leaves":{}}}"#, joins.finish(), leaves.finish());
    Some(wire::presence(shape, None, topic, "presence_diff", &payload))
}

/// `{"key": {"metas": […]}, …}`, built in the order of the roster: entries with one key are adjacent.
#[derive(Default)]
struct MetasJson(String, Option<(Option<Box<str>>, UserId)>);

impl MetasJson {
    fn add(&mut self, key: &RosterKey, meta: &str) {
        let is_same_key =
            key.key.is_some() && self.1.as_ref().is_some_and(|(last_key, _)| *last_key == key.key);
        if is_same_key {
            self.0.push(',');
        } else {
            self.0.push_str(if self.0.is_empty() { "{" } else { "]}," });
            let name = key.key.as_deref().map_or_else(|| key.user.to_string(), str::to_owned);
            self.0.push_str(&Value::from(name).to_string());
            self.0.push_str(r#":{"metas":["#);
            self.1 = Some((key.key.clone(), key.user));
        }
        self.0.push_str(meta);
    }

    fn finish(self) -> String {
        if self.0.is_empty() { "{}".to_owned() } else { self.0 + "]}}" }
    }
}
