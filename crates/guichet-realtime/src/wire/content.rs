//! Content for subscribers, encoded once per frame shape. JSON is concatenated from parts that are JSON already,
//! without building a tree.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Dialect, PREFIX, Spelling, phoenix, plain, quoted, socketio};
use crate::hub::event::Event;
use crate::wire::frame::Frame;

/// The frame shape of a subscriber: the dialect, and whether it joined with Supabase's prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    pub dialect: Dialect,
    pub prefixed: bool,
}

/// Number of shapes: five dialects; the two of Phoenix have two each, with and without prefix.
pub const SHAPES: usize = 7;

impl Shape {
    /// Below `SHAPES`.
    pub fn slot(self) -> usize {
        match (self.dialect, self.prefixed) {
            (Dialect::V1, false) => 0,
            (Dialect::V1, true) => 1,
            (Dialect::V2, false) => 2,
            (Dialect::V2, true) => 3,
            (Dialect::Plain, _) => 4,
            (Dialect::PlainCamel, _) => 5,
            (Dialect::SocketIo, _) => 6,
        }
    }

    pub(super) fn topic(self, bare: &str) -> Cow<'_, str> {
        if self.prefixed { format!("{PREFIX}{bare}").into() } else { bare.into() }
    }
}

/// The content of a broadcast.
#[derive(Debug, Clone, Copy)]
pub enum BroadcastContent<'a> {
    /// A durable event on its own topic.
    Event(&'a Event),
    /// A durable event copied to another topic.
    Copy(&'a Event),
    /// An ephemeral event of the service: name and JSON payload.
    Ephemeral { event: &'a str, payload: &'a str },
    /// A client's broadcast; its keys are not converted.
    Personal { event: &'a str, payload: &'a str },
    /// A client's broadcast as it came over Phoenix: the whole inner object, unchanged.
    Verbatim(&'a str),
    /// A client's binary broadcast, which only V2 can carry.
    Bytes { event: &'a str, data: &'a [u8] },
}

/// Encodes one broadcast for many subscribers, once per shape, on first use.
pub struct Encoder<'a> {
    topic: &'a str,
    content: BroadcastContent<'a>,
    spelling: Spelling,
    frames: [Option<Frame>; SHAPES],
}

impl<'a> Encoder<'a> {
    /// `topic` has no prefix.
    pub fn new(topic: &'a str, content: BroadcastContent<'a>, spelling: Spelling) -> Self {
        Self { topic, content, spelling, frames: [const { None }; SHAPES] }
    }

    /// `None` if the dialect cannot carry the content.
    pub fn frame(&mut self, shape: Shape) -> Option<Frame> {
        let slot = self.frames.get_mut(shape.slot())?;
        if slot.is_none() {
            *slot = match shape.dialect {
                Dialect::V1 | Dialect::V2 => of_phoenix(shape, self.topic, self.content),
                Dialect::Plain | Dialect::PlainCamel | Dialect::SocketIo => {
                    of_plain(shape.dialect, self.topic, self.content, self.spelling)
                }
            };
        }
        slot.clone()
    }
}

/// A durable event for one subscriber, as a replay sends it.
pub fn event_frame(shape: Shape, event: &Event, replayed: bool, spelling: Spelling) -> Frame {
    let meta = meta(event, false, replayed);
    match shape.dialect {
        Dialect::V1 | Dialect::V2 => {
            let inner = inner(&event.name, event.payload.get(), Some(&meta));
            phoenix::broadcast(shape.dialect, &shape.topic(&event.topic), &inner)
        }
        Dialect::Plain | Dialect::PlainCamel | Dialect::SocketIo => {
            let payload = spelt(shape.dialect, &event.topic, &event.name, event.payload.get(), spelling);
            frame_in_dialect(shape.dialect, &event.name, &event.topic, &payload, &meta)
        }
    }
}

fn of_phoenix(shape: Shape, bare: &str, content: BroadcastContent<'_>) -> Option<Frame> {
    let topic = shape.topic(bare);
    let broadcast = |inner: &str| Some(phoenix::broadcast(shape.dialect, &topic, inner));
    match content {
        BroadcastContent::Event(event) => {
            broadcast(&inner(&event.name, event.payload.get(), Some(&meta(event, false, false))))
        }
        BroadcastContent::Copy(event) => {
            broadcast(&inner(&event.name, event.payload.get(), Some(&meta(event, true, false))))
        }
        BroadcastContent::Ephemeral { event, payload } | BroadcastContent::Personal { event, payload } => {
            broadcast(&inner(event, payload, None))
        }
        BroadcastContent::Verbatim(inner) => broadcast(inner),
        BroadcastContent::Bytes { event, data } => match shape.dialect {
            Dialect::V2 => phoenix::binary::user_broadcast(&topic, event, data),
            Dialect::V1 | Dialect::Plain | Dialect::PlainCamel | Dialect::SocketIo => None,
        },
    }
}

fn of_plain(
    dialect: Dialect,
    topic: &str,
    content: BroadcastContent<'_>,
    spelling: Spelling,
) -> Option<Frame> {
    let durable = |event: &Event, is_copy: bool| {
        let payload = spelt(dialect, topic, &event.name, event.payload.get(), spelling);
        frame_in_dialect(dialect, &event.name, topic, &payload, &meta(event, is_copy, false))
    };
    Some(match content {
        BroadcastContent::Event(event) => durable(event, false),
        BroadcastContent::Copy(event) => durable(event, true),
        BroadcastContent::Ephemeral { event, payload } => {
            frame_in_dialect(dialect, event, topic, &spelt(dialect, topic, event, payload, spelling), "{}")
        }
        BroadcastContent::Personal { event, payload } => {
            frame_in_dialect(dialect, event, topic, payload, "{}")
        }
        BroadcastContent::Verbatim(inner) => {
            let (event, payload) = unwrapped(inner)?;
            frame_in_dialect(dialect, &event, topic, &payload, "{}")
        }
        BroadcastContent::Bytes { .. } => return None,
    })
}

fn frame_in_dialect(dialect: Dialect, event: &str, topic: &str, payload: &str, meta: &str) -> Frame {
    match dialect {
        Dialect::SocketIo => socketio::event(event, topic, payload, meta),
        Dialect::Plain | Dialect::PlainCamel | Dialect::V1 | Dialect::V2 => {
            plain::event(event, topic, payload, meta)
        }
    }
}

fn spelt<'p>(
    dialect: Dialect,
    topic: &str,
    event: &str,
    payload: &'p str,
    spelling: Spelling,
) -> Cow<'p, str> {
    if dialect.is_camel() { (spelling.event)(topic, event, payload).into() } else { payload.into() }
}

/// Event and payload of a Phoenix client's broadcast. (Flutter puts the user's own keys next to `type` and `event`,
/// without an inner payload.)
fn unwrapped(inner: &str) -> Option<(String, String)> {
    #[derive(Deserialize)]
    struct Inner<'a> {
        event: String,
        #[serde(borrow)]
        payload: Option<&'a RawValue>,
    }
    let Inner { event, payload } = serde_json::from_str(inner).ok()?;
    let payload = match payload {
        Some(payload) => payload.get().to_owned(),
        None => {
            let mut own: Map<String, Value> = serde_json::from_str(inner).ok()?;
            own.retain(|key, _| !matches!(key.as_str(), "type" | "event" | "payload"));
            Value::Object(own).to_string()
        }
    };
    Some((event, payload))
}

/// The object inside a Phoenix broadcast.
fn inner(event: &str, payload: &str, meta: Option<&str>) -> String {
    let mut out = String::with_capacity(payload.len() + 160);
    out.push_str(r#"{"type":"broadcast","event":"#);
    out.push_str(&quoted(event));
    out.push_str(r#","payload":"#);
    out.push_str(payload);
    if let Some(meta) = meta {
        out.push_str(r#","meta":"#);
        out.push_str(meta);
    }
    out.push('}');
    out
}

fn meta(event: &Event, is_copy: bool, replayed: bool) -> String {
    let mut out = String::with_capacity(120);
    // Writing to a String cannot fail.
    let _ = write!(out, r#"{{"id":"{}","seq":{}"#, event.id, event.seq);
    if is_copy {
        out.push_str(r#","topic":"#);
        out.push_str(&quoted(&event.topic));
    }
    if replayed {
        out.push_str(r#","replayed":true"#);
    }
    out.push('}');
    out
}
