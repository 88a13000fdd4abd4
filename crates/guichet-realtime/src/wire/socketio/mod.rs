//! Socket.IO v4 over Engine.IO 4 with the WebSocket transport: the plain dialect's events in packets.
//!
//! A text frame is an Engine.IO packet, whose first digit is its type. A message (`4`) holds a Socket.IO packet,
//! whose first digit is its own type: `40` connect, `41` disconnect, `42` event, `43` acknowledgement, `44` refusal.
//! An event is `42["name",{payload},{"topic","meta"}]`, so that a listener of the payload works unmodified; a client
//! sends to a topic with `emit(name, payload, {topic})`. `42<id>[…]` gets the reply `43<id>[{"status", "response"}]`.
//! Only the namespace `/` is served, and no binary packets.

mod packet;

use serde_json::value::RawValue;

pub use self::packet::{Packet, decode};
use super::plain;
use super::push::{Malformed, Push};
use super::quoted;
use crate::wire::frame::Frame;

/// Interval of the server's pings, and the extra time that it allows.
pub const PING_MILLIS: u64 = 25_000;
pub const PING_TIMEOUT_MILLIS: u64 = 20_000;

/// The event of a packet. Its topic is in the second argument, or in the payload (`join`, `leave`).
pub fn push<'a>(reference: Option<&str>, items: &[&'a RawValue]) -> Result<Push<'a>, Malformed> {
    let [event, rest @ ..] = items else { return Err(Malformed("an event has a name")) };
    let event: String =
        serde_json::from_str(event.get()).map_err(|_| Malformed("an event's name is text"))?;
    let payload = rest.first().copied();
    // A client's broadcast may have a `topic` field of its own.
    let is_about_one = matches!(event.as_str(), "join" | "leave");
    let about = rest.get(1).copied().or(payload.filter(|_| is_about_one));
    let topic = about.and_then(topic);
    plain::push(&event, topic.as_deref(), payload, reference.map(Into::into))
}

fn topic(about: &RawValue) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct About {
        topic: String,
    }
    serde_json::from_str::<About>(about.get()).ok().map(|about| about.topic)
}

/// The first packet: Engine.IO's handshake.
pub fn open(sid: &str, max_payload: usize) -> Frame {
    let open = serde_json::json!({
        "sid": sid,
        "upgrades": [],
        "pingInterval": PING_MILLIS,
        "pingTimeout": PING_TIMEOUT_MILLIS,
        "maxPayload": max_payload,
    });
    Frame::text(&["0", &open.to_string()])
}

/// The namespace is connected.
pub fn connected(sid: &str) -> Frame {
    Frame::text(&[r#"40{"sid":"#, &quoted(sid), "}"])
}

/// A namespace was refused. `namespace` is empty for `/`.
pub fn refused(namespace: &str, message: &str, data: &str) -> Frame {
    let comma = if namespace.is_empty() { "" } else { "," };
    Frame::text(&["44", namespace, comma, r#"{"message":"#, &quoted(message), r#","data":"#, data, "}"])
}

/// The server ends the namespace; clients do not reconnect by themselves.
pub fn disconnect() -> Frame {
    Frame::text(&["41"])
}

pub fn ping() -> Frame {
    Frame::text(&["2"])
}

pub fn pong(echo: &str) -> Frame {
    Frame::text(&["3", echo])
}

/// `reference` is digits.
pub fn reply(reference: &str, status: &str, response: &str) -> Frame {
    Frame::text(&["43", reference, r#"[{"status":""#, status, r#"","response":"#, response, "}]"])
}

pub fn event(event: &str, topic: &str, payload: &str, meta: &str) -> Frame {
    Frame::text(&[
        "42[",
        &quoted(event),
        ",",
        payload,
        r#",{"topic":"#,
        &quoted(topic),
        r#","meta":"#,
        meta,
        "}]",
    ])
}

pub fn notice(event: &str, payload: &str) -> Frame {
    Frame::text(&["42[", &quoted(event), ",", payload, "]"])
}
