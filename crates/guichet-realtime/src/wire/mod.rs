//! The wire formats: incoming frames to pushes, and content to outgoing frames. Pure: bytes in, values out, and back.
//!
//! One session serves every dialect. Incoming frames become a [`Push`]; outgoing ones are built by the functions
//! here, which know each dialect.
//!
//! There are three dialects ([`Family`]):
//! - `phoenix`: Phoenix Channels as Supabase Realtime speaks them, in serializations V1 (objects) and V2 (arrays,
//!   binary frames).
//! - `plain`: `{"event", "topic", "payload", "ref"}`, in snake_case or camelCase.
//! - `socketio`: the same events in Socket.IO packets over Engine.IO 4, in camelCase.
//!
//! [`Dialect`] distinguishes their five variants, and [`Shape`] the seven ways of encoding an event for them.

mod content;
pub(crate) mod error_payload;
pub(crate) mod frame;
mod phoenix;
mod plain;
mod push;
pub mod socketio;
mod sound;
mod spelling;

pub use self::content::{BroadcastContent, Encoder, SHAPES, Shape, event_frame};
pub use self::push::{Malformed, Payload, Push, Verb, asks_to_persist};
pub use self::sound::is_sound;
pub use self::spelling::Spelling;
use crate::wire::frame::Frame;

/// The variant of a dialect that one socket speaks, chosen at connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    V1,
    V2,
    Plain,
    /// Plain, in camelCase.
    PlainCamel,
    /// In camelCase too.
    SocketIo,
}

/// The dialects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Phoenix,
    Plain,
    SocketIo,
}

impl Dialect {
    /// From `vsn` of the query; absent means V1. `None` for unsupported versions.
    pub fn of_version(vsn: Option<&str>) -> Option<Self> {
        match vsn.map(|vsn| vsn.split('.').next().unwrap_or(vsn)) {
            None | Some("1") => Some(Dialect::V1),
            Some("2") => Some(Dialect::V2),
            Some(_) => None,
        }
    }

    pub fn family(self) -> Family {
        match self {
            Dialect::V1 | Dialect::V2 => Family::Phoenix,
            Dialect::Plain | Dialect::PlainCamel => Family::Plain,
            Dialect::SocketIo => Family::SocketIo,
        }
    }

    pub fn is_phoenix(self) -> bool {
        self.family() == Family::Phoenix
    }

    /// Whether guichet's keys are in camelCase, both ways.
    pub fn is_camel(self) -> bool {
        matches!(self, Dialect::PlainCamel | Dialect::SocketIo)
    }
}

/// The prefix that Supabase's clients put before every topic.
pub const PREFIX: &str = "realtime:";

/// A topic without its prefix; only one prefix is removed.
pub fn bare(topic: &str) -> &str {
    topic.strip_prefix(PREFIX).unwrap_or(topic)
}

/// Socket.IO's events come from packets: see `socketio::decode`.
pub fn decode_text(dialect: Dialect, text: &str) -> Result<Push<'_>, Malformed> {
    match dialect {
        Dialect::V1 => phoenix::v1(text),
        Dialect::V2 => phoenix::v2(text),
        Dialect::Plain | Dialect::PlainCamel => plain::decode(text),
        Dialect::SocketIo => match socketio::decode(text)? {
            socketio::Packet::Event { reference, items } => socketio::push(reference, &items),
            _ => Err(Malformed("no event")),
        },
    }
    .and_then(Push::sound)
}

pub fn decode_binary(dialect: Dialect, bytes: &[u8]) -> Result<Push<'_>, Malformed> {
    match dialect {
        Dialect::V2 => phoenix::binary::decode(bytes).and_then(Push::sound),
        Dialect::V1 | Dialect::Plain | Dialect::PlainCamel | Dialect::SocketIo => {
            Err(Malformed("binary frames are not taken here: send text"))
        }
    }
}

/// A reply to the frame with these refs. `response` must be a JSON object. `None` if the dialect replies only to
/// frames with a `ref`.
pub fn reply(
    dialect: Dialect,
    join_ref: Option<&str>,
    reference: Option<&str>,
    topic: &str,
    status: &str,
    response: &str,
) -> Option<Frame> {
    match dialect.family() {
        Family::Phoenix => Some(phoenix::reply(dialect, join_ref, reference, topic, status, response)),
        Family::Plain => Some(plain::reply(reference?, status, response)),
        Family::SocketIo => Some(socketio::reply(reference?, status, response)),
    }
}

/// Ends a channel for good: clients do not join again.
pub fn close(dialect: Dialect, join_ref: Option<&str>, topic: &str, reason: &str) -> Frame {
    match dialect.family() {
        Family::Phoenix => phoenix::close(dialect, join_ref, topic),
        Family::Plain | Family::SocketIo => push(dialect, None, None, topic, "left", &because(reason)),
    }
}

/// Ends a channel so that clients join again.
pub fn error(dialect: Dialect, join_ref: Option<&str>, topic: &str, reason: &str) -> Frame {
    match dialect.family() {
        Family::Phoenix => phoenix::error(dialect, join_ref, topic, &because(reason)),
        Family::Plain | Family::SocketIo => push(dialect, None, None, topic, "resume", &because(reason)),
    }
}

/// Any frame about a topic. `payload` must be a JSON object.
pub fn push(
    dialect: Dialect,
    join_ref: Option<&str>,
    reference: Option<&str>,
    topic: &str,
    event: &str,
    payload: &str,
) -> Frame {
    match dialect.family() {
        Family::Phoenix => phoenix::push(dialect, join_ref, reference, topic, event, payload),
        Family::Plain => plain::event(event, topic, payload, "{}"),
        Family::SocketIo => socketio::event(event, topic, payload, "{}"),
    }
}

/// A presence frame for one subscriber, or for all of one shape.
pub fn presence(shape: Shape, join_ref: Option<&str>, bare: &str, event: &str, payload: &str) -> Frame {
    push(shape.dialect, join_ref, None, &shape.topic(bare), event, payload)
}

/// A message about the connection, for which Phoenix has no frame.
pub fn notice(dialect: Dialect, event: &str, payload: &str) -> Option<Frame> {
    match dialect.family() {
        Family::Phoenix => None,
        Family::Plain => Some(plain::notice(event, payload)),
        Family::SocketIo => Some(socketio::notice(event, payload)),
    }
}

/// Event names with a meaning in some dialect, in lower case: from a client, they would be mistaken for the
/// service's, or make Socket.IO clients disconnect.
const OF_THE_WIRE: [&str; 20] = [
    "reply",
    "error",
    "resume",
    "left",
    "join",
    "leave",
    "heartbeat",
    "access_token",
    "token:expiring",
    "system",
    "postgres_changes",
    "presence",
    "presence_state",
    "presence_diff",
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newlistener",
    "removelistener",
];

/// Whether `event`, in lower case, is reserved for the wire.
pub fn is_of_the_wire(event: &str) -> bool {
    OF_THE_WIRE.contains(&event)
}

fn because(reason: &str) -> String {
    format!(r#"{{"reason":{}}}"#, quoted(reason))
}

fn nullable(text: Option<&str>) -> String {
    text.map_or_else(|| "null".to_owned(), quoted)
}

/// `text` as a JSON string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test stops at what it did not expect")]
mod tests;
