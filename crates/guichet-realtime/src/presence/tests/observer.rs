//! A watcher as a client implements it: it applies frames as phoenix.js does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use guichet_base::id::{TenantId, UserId};
use guichet_base::role::UserType;
use serde_json::Value;

use super::super::{Presence, PresenceJoin, RosterKey, SnapshotProgress, Watcher};
use crate::backend::Visibility;
use crate::hub::connection::{Connection, JoinId, SessionOrder};
use crate::wire::{Dialect, Shape};

/// The metas by key and reference.
pub type ObservedState = BTreeMap<String, BTreeMap<String, Value>>;

pub struct Observer {
    pub join: JoinId,
    pub roster_key: RosterKey,
    pub connection: Arc<Connection>,
    pub state: ObservedState,
    pub states: usize,
    pub diffs: usize,
    visibility: Visibility,
}

impl Observer {
    pub fn new(id: u64, roster_key: RosterKey, visibility: Visibility, queue_bytes: usize) -> Self {
        let connection = Arc::new(Connection::new(id, queue_bytes));
        let join = JoinId { connection: id, join: 1 };
        Self { join, roster_key, connection, state: ObservedState::new(), states: 0, diffs: 0, visibility }
    }

    pub fn join(
        &self,
        presence: &Presence,
        tenant: TenantId,
        topic: &str,
        user_type: UserType,
        watches: bool,
    ) {
        let watcher = watches.then(|| Watcher {
            join: self.join,
            connection: Arc::clone(&self.connection),
            shape: Shape { dialect: Dialect::V2, prefixed: true },
            join_ref: Some("1".into()),
            visibility: self.visibility.clone(),
            progress: SnapshotProgress::Nothing,
        });
        let (topic, roster_key, join) = (topic.into(), self.roster_key.clone(), self.join);
        presence.join(PresenceJoin { tenant, topic, roster_key, user_type, join, watcher });
    }

    pub fn is_restricted(&self) -> bool {
        self.visibility != Visibility::Everyone
    }

    /// Reads everything queued.
    pub fn read(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(bytes)) = self.connection.poll_frame(&mut cx) {
            self.apply(&bytes);
        }
    }

    /// Does what the session would do.
    pub fn handle_orders(&self, presence: &Presence, tenant: TenantId, topic: &str) {
        if self.connection.take_orders().contains(&SessionOrder::PresenceLost) {
            presence.refresh(tenant, topic, self.join);
            self.connection.mailbox.resume_presence();
        }
    }

    fn apply(&mut self, bytes: &Bytes) {
        let header = match bytes[1] {
            126 => 4,
            127 => 10,
            _ => 2,
        };
        let frame: Value = serde_json::from_slice(&bytes[header..]).unwrap();
        match frame[3].as_str().unwrap() {
            "presence_state" => {
                self.states += 1;
                self.state = metas(&frame[4]);
            }
            "presence_diff" => {
                self.diffs += 1;
                assert!(self.states > 0, "a difference of nothing: {frame}");
                self.change(&frame[4]);
            }
            other => panic!("{other}"),
        }
    }

    fn change(&mut self, diff: &Value) {
        for (key, joined) in metas(&diff["joins"]) {
            self.state.entry(key).or_default().extend(joined);
        }
        for (key, left) in metas(&diff["leaves"]) {
            let known = self.state.get_mut(&key).unwrap_or_else(|| panic!("{key} was never told of"));
            for reference in left.keys() {
                assert!(known.remove(reference).is_some(), "{reference} was never told of");
            }
            if known.is_empty() {
                self.state.remove(&key);
            }
        }
    }

    /// The metas of a person under any key.
    pub fn metas_of(&self, user: UserId) -> Vec<&Value> {
        let id = user.to_string();
        let all = self.state.values().flat_map(BTreeMap::values);
        all.filter(|meta| meta["user_id"] == id.as_str()).collect()
    }
}

fn metas(object: &Value) -> ObservedState {
    let entries = object.as_object().unwrap().iter().map(|(key, entry)| {
        let metas = entry["metas"].as_array().unwrap();
        assert!(!metas.is_empty(), "a key without metas");
        let by_reference = metas.iter().map(|meta| {
            let mut meta = meta.clone();
            let reference = meta["phx_ref"].as_str().unwrap().to_owned();
            // Clients drop it after reading.
            meta.as_object_mut().unwrap().remove("phx_ref_prev");
            (reference, meta)
        });
        (key.clone(), by_reference.collect())
    });
    entries.collect()
}
