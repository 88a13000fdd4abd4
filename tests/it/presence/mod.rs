//! Presence in the whole service: by state, diff, update and REST, and never of people that the caller may not see.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod chat;
mod grace;
mod joining;
mod rest;
mod updates;
mod written;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use guichet_base::id::UserId;
use serde_json::{Value, json};

use crate::harness::{Api, ChatFixture, Frame, Socket};

/// The presence state of a client that applies what it receives.
#[derive(Default)]
pub struct Picture {
    metas: BTreeMap<String, Value>,
    has_state: bool,
}

impl Picture {
    pub fn apply(&mut self, frame: &Frame) {
        match frame.event.as_str() {
            "presence_state" => {
                self.metas = metas(&frame.payload);
                self.has_state = true;
            }
            "presence_diff" => {
                assert!(self.has_state, "a difference before the state");
                self.metas.extend(metas(&frame.payload["joins"]));
                for (key, left) in metas(&frame.payload["leaves"]) {
                    let known = self.metas.get(&key).unwrap_or_else(|| panic!("{key} was never told of"));
                    if known["phx_ref"] == left["phx_ref"] {
                        self.metas.remove(&key);
                    }
                }
            }
            _ => {}
        }
    }

    pub fn of(&self, user: UserId) -> Option<&Value> {
        self.metas.get(&user.to_string())
    }
}

fn metas(object: &Value) -> BTreeMap<String, Value> {
    let entries = object.as_object().unwrap().iter();
    entries.map(|(key, entry)| (key.clone(), entry["metas"][0].clone())).collect()
}

pub fn id(world: &ChatFixture, name: &str) -> UserId {
    world.server.user(name).id
}

pub async fn open(world: &ChatFixture, name: &str) -> Socket {
    Socket::open(&world.server, &world.server.user(name).token).await
}

pub fn of_operator(world: &ChatFixture, name: &str) -> String {
    format!("realtime:presence:operator:{}", id(world, name))
}

pub fn desk(world: &ChatFixture) -> String {
    format!("realtime:tenant:{}", world.server.demo.tenant_id)
}

/// Joins a topic with presence, and returns the status of the reply and its response.
pub async fn watch(socket: &mut Socket, topic: &str, key: &str) -> (String, Value) {
    let config = json!({"config": {"presence": {"enabled": true, "key": key}, "private": true}});
    socket.request(topic, "phx_join", config).await
}

/// Reads presence frames of `topic` until the state satisfies `is`.
pub async fn until(socket: &mut Socket, topic: &str, picture: &mut Picture, is: impl Fn(&Picture) -> bool) {
    while !is(picture) {
        let frame = socket.next_where(|f| f.topic == topic && f.event.starts_with("presence_")).await;
        picture.apply(&frame);
    }
}

/// The next `presence:update` of a person on `topic`; others are skipped.
pub async fn update_of(socket: &mut Socket, topic: &str, user: UserId) -> Value {
    let id = json!(user);
    let frame = socket
        .next_where(|f| {
            f.topic == topic && f.is_broadcast("presence:update") && f.payload["payload"]["user_id"] == id
        })
        .await;
    frame.payload["payload"].clone()
}

/// Polls until a person has this status.
pub async fn until_status(by: &Api, user: UserId, status: &str) -> Value {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let answer = by.get(&format!("/presence?user_ids={user}")).await;
        let found = answer.data()[0].clone();
        if found["status"] == status {
            return found;
        }
        assert!(Instant::now() < deadline, "{found} is not {status}");
        crate::harness::pause_between_polls().await;
    }
}
