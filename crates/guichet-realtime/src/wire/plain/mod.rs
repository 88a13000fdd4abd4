//! The plain dialect: text frames `{"event", "topic"?, "payload"?, "ref"?}` both ways, for any WebSocket client.
//!
//! `join`, `leave`, `heartbeat` and `access_token` concern the connection; every other event is a command, or a
//! broadcast on a joined topic. A frame with `ref` gets the reply
//! `{"event":"reply","ref","payload":{"status","response"}}` with the same `ref`; a frame without gets none.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::push::{Malformed, Payload, Push, Verb, empty};
use super::{bare, quoted};
use crate::wire::frame::Frame;

/// Longer ones are refused.
const MAX_REF_BYTES: usize = 128;

#[derive(Deserialize)]
struct Plain<'a> {
    event: String,
    #[serde(default)]
    topic: Option<String>,
    #[serde(borrow, default)]
    payload: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "ref")]
    reference: Option<&'a RawValue>,
}

pub fn decode(text: &str) -> Result<Push<'_>, Malformed> {
    let frame: Plain<'_> = serde_json::from_str(text)
        .map_err(|_| Malformed(r#"a frame is an object: {"event", "topic"?, "payload"?, "ref"?}"#))?;
    let reference = frame.reference.map(reference).transpose()?.flatten();
    push(&frame.event, frame.topic.as_deref(), frame.payload, reference)
}

/// An event with its payload and topic, as in the plain dialect and Socket.IO.
pub fn push<'a>(
    event: &str,
    topic: Option<&str>,
    payload: Option<&'a RawValue>,
    reference: Option<Box<str>>,
) -> Result<Push<'a>, Malformed> {
    let payload = match payload.filter(|payload| payload.get() != "null") {
        Some(payload) if payload.get().starts_with('{') => payload,
        // Some clients fail on a payload that is not an object.
        Some(_) => return Err(Malformed("a payload is an object")),
        None => empty()?,
    };
    let verb = match event {
        "join" => Verb::Join,
        "leave" => Verb::Leave,
        "heartbeat" => Verb::Heartbeat,
        "access_token" => Verb::Token,
        _ => Verb::Say,
    };
    let is_said = verb == Verb::Say && event != "presence";
    let payload = if is_said { Payload::UserJson(payload) } else { Payload::Json(payload) };
    let topic = bare(topic.unwrap_or_default());
    Ok(Push {
        verb,
        join_ref: None,
        reference,
        topic: topic.into(),
        event: event.into(),
        payload,
        persist: false,
    })
}

/// A ref is text or a number, and is echoed unchanged.
fn reference(raw: &RawValue) -> Result<Option<Box<str>>, Malformed> {
    let text = raw.get();
    let is_one = text.starts_with(['"', '-']) || text.starts_with(|c: char| c.is_ascii_digit());
    match text {
        "null" => Ok(None),
        _ if is_one && text.len() <= MAX_REF_BYTES && super::sound::is_sound(text) => Ok(Some(text.into())),
        _ => Err(Malformed("a ref is text or a number, of 128 bytes at most")),
    }
}

/// `reference` is JSON.
pub fn reply(reference: &str, status: &str, response: &str) -> Frame {
    Frame::text(&[
        r#"{"event":"reply","ref":"#,
        reference,
        r#","payload":{"status":""#,
        status,
        r#"","response":"#,
        response,
        "}}",
    ])
}

/// An event of a topic. `payload` and `meta` are JSON objects.
pub fn event(event: &str, topic: &str, payload: &str, meta: &str) -> Frame {
    Frame::text(&[
        r#"{"event":"#,
        &quoted(event),
        r#","topic":"#,
        &quoted(topic),
        r#","payload":"#,
        payload,
        r#","meta":"#,
        meta,
        "}",
    ])
}

/// A message about the connection.
pub fn notice(event: &str, payload: &str) -> Frame {
    Frame::text(&[r#"{"event":"#, &quoted(event), r#","payload":"#, payload, "}"])
}
