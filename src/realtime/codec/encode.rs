//! Frames that leave. JSON is put together from parts that are JSON already, without a tree in between.

use std::fmt::Write as _;

use super::{Dialect, PREFIX, binary};
use crate::realtime::event::Event;
use crate::realtime::frame::Frame;

/// A reply to the frame whose refs are given. `response` must be a JSON object.
pub fn reply(
    dialect: Dialect,
    join_ref: Option<&str>,
    reference: Option<&str>,
    topic: &str,
    status: &str,
    response: &str,
) -> Frame {
    let payload = format!(r#"{{"status":"{status}","response":{response}}}"#);
    push(dialect, join_ref, reference, topic, "phx_reply", &payload)
}

/// The end of a channel for good: clients do not come back by themselves.
pub fn close(dialect: Dialect, join_ref: Option<&str>, topic: &str) -> Frame {
    push(dialect, join_ref, join_ref, topic, "phx_close", "{}")
}

/// The end of a channel that clients answer by joining again.
pub fn error(dialect: Dialect, join_ref: Option<&str>, topic: &str, reason: &str) -> Frame {
    let payload = format!(r#"{{"reason":{}}}"#, quoted(reason));
    push(dialect, join_ref, join_ref, topic, "phx_error", &payload)
}

/// Any frame. `payload` must be a JSON object.
pub fn push(
    dialect: Dialect,
    join_ref: Option<&str>,
    reference: Option<&str>,
    topic: &str,
    event: &str,
    payload: &str,
) -> Frame {
    let (topic, event, reference) = (quoted(topic), quoted(event), nullable(reference));
    match dialect {
        Dialect::V1 => Frame::text(&[
            r#"{"topic":"#,
            &topic,
            r#","event":"#,
            &event,
            r#","payload":"#,
            payload,
            r#","ref":"#,
            &reference,
            "}",
        ]),
        Dialect::V2 => {
            let join_ref = nullable(join_ref);
            Frame::text(&["[", &join_ref, ",", &reference, ",", &topic, ",", &event, ",", payload, "]"])
        }
    }
}

/// A presence frame for one subscriber, or for all of one shape.
pub fn presence(shape: Shape, join_ref: Option<&str>, bare: &str, event: &str, payload: &str) -> Frame {
    push(shape.dialect, join_ref, None, &shape.topic(bare), event, payload)
}

/// How a subscriber wants its frames: the serialization, and whether it joined with Supabase's prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    pub dialect: Dialect,
    pub prefixed: bool,
}

impl Shape {
    /// One of four.
    pub fn slot(self) -> usize {
        usize::from(self.dialect == Dialect::V2) + 2 * usize::from(self.prefixed)
    }

    fn topic(self, bare: &str) -> String {
        if self.prefixed { format!("{PREFIX}{bare}") } else { bare.to_owned() }
    }
}

/// What a broadcast says.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// A durable event on its own topic.
    Event(&'a Event),
    /// A durable event on another topic than its own.
    Copy(&'a Event),
    /// Something of the moment: name and JSON payload.
    Ephemeral { event: &'a str, payload: &'a str },
    /// A person's broadcast as it came: the whole inner object, untouched.
    Verbatim(&'a str),
    /// A person's bytes, which only V2 can carry.
    Bytes { event: &'a str, data: &'a [u8] },
}

/// Encodes one broadcast for many subscribers: once per shape, when the first one of that shape is met.
pub struct Encoder<'a> {
    topic: &'a str,
    content: Content<'a>,
    frames: [Option<Frame>; 4],
}

impl<'a> Encoder<'a> {
    pub fn new(topic: &'a str, content: Content<'a>) -> Self {
        Self { topic, content, frames: [const { None }; 4] }
    }

    /// `None` where `shape` cannot carry the content.
    pub fn frame(&mut self, shape: Shape) -> Option<Frame> {
        let slot = self.frames.get_mut(shape.slot())?;
        if slot.is_none() {
            *slot = encode(shape, self.topic, self.content);
        }
        slot.clone()
    }
}

fn encode(shape: Shape, bare: &str, content: Content<'_>) -> Option<Frame> {
    let topic = shape.topic(bare);
    let broadcast = |inner: &str| Some(push(shape.dialect, None, None, &topic, "broadcast", inner));
    match content {
        Content::Event(event) => broadcast(&event_payload(event, false, false)),
        Content::Copy(event) => broadcast(&event_payload(event, true, false)),
        Content::Ephemeral { event, payload } => {
            broadcast(&format!(r#"{{"type":"broadcast","event":{},"payload":{payload}}}"#, quoted(event)))
        }
        Content::Verbatim(inner) => broadcast(inner),
        Content::Bytes { event, data } => match shape.dialect {
            Dialect::V1 => None,
            Dialect::V2 => binary::user_broadcast(&topic, event, data),
        },
    }
}

/// A durable event for one subscriber, as replay sends it.
pub fn event_frame(shape: Shape, event: &Event, replayed: bool) -> Frame {
    let payload = event_payload(event, false, replayed);
    push(shape.dialect, None, None, &shape.topic(&event.topic), "broadcast", &payload)
}

fn event_payload(event: &Event, copy: bool, replayed: bool) -> String {
    let payload = event.payload.get();
    let mut out = String::with_capacity(payload.len() + 160);
    out.push_str(r#"{"type":"broadcast","event":"#);
    out.push_str(&quoted(&event.name));
    out.push_str(r#","payload":"#);
    out.push_str(payload);
    // Writing to a String cannot fail.
    let _ = write!(out, r#","meta":{{"id":"{}","seq":{}"#, event.id, event.seq);
    if copy {
        out.push_str(r#","topic":"#);
        out.push_str(&quoted(&event.topic));
    }
    if replayed {
        out.push_str(r#","replayed":true"#);
    }
    out.push_str("}}");
    out
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
mod tests {
    use serde_json::{Value, json, value::RawValue};
    use uuid::Uuid;

    use super::*;
    use crate::base::id::TenantId;

    fn event() -> Event {
        Event {
            tenant: TenantId::new(),
            id: Uuid::nil(),
            topic: "chat:room:1".into(),
            seq: 57,
            name: "messaging:new".into(),
            payload: RawValue::from_string(r#"{"message":{}}"#.into()).unwrap(),
            copies: vec![],
            also: vec![],
            client: None,
        }
    }

    fn json_of(frame: &Frame) -> Value {
        serde_json::from_slice(&frame.open().1).unwrap()
    }

    #[test]
    fn v1_has_exactly_four_keys_and_says_null() {
        let frame = push(Dialect::V1, Some("1"), None, "t\"é", "e", "{}");
        assert_eq!(json_of(&frame), json!({"topic": "t\"é", "event": "e", "payload": {}, "ref": null}));
    }

    #[test]
    fn an_event_is_encoded_once_per_shape_and_shared() {
        let event = event();
        let mut encoder = Encoder::new("chat:room:1", Content::Event(&event));
        let shape = Shape { dialect: Dialect::V2, prefixed: true };
        let (one, two) = (encoder.frame(shape).unwrap(), encoder.frame(shape).unwrap());
        assert_eq!(one.clone().into_bytes().as_ptr(), two.into_bytes().as_ptr());
        let meta = json!({"id": Uuid::nil(), "seq": 57});
        assert_eq!(
            json_of(&one),
            json!([null, null, "realtime:chat:room:1", "broadcast",
                {"type": "broadcast", "event": "messaging:new", "payload": {"message": {}}, "meta": meta}])
        );
    }

    #[test]
    fn a_copy_says_where_the_event_lives_and_a_replay_that_it_is_one() {
        let event = event();
        let mut encoder = Encoder::new("user:9", Content::Copy(&event));
        let frame = encoder.frame(Shape { dialect: Dialect::V1, prefixed: false }).unwrap();
        assert_eq!(json_of(&frame)["topic"], "user:9");
        assert_eq!(json_of(&frame)["payload"]["meta"]["topic"], "chat:room:1");
        let frame = event_frame(Shape { dialect: Dialect::V2, prefixed: false }, &event, true);
        assert_eq!(json_of(&frame)[4]["meta"]["replayed"], true);
    }

    #[test]
    fn bytes_skip_the_first_serialization() {
        let mut encoder = Encoder::new("t", Content::Bytes { event: "e", data: &[1] });
        assert!(encoder.frame(Shape { dialect: Dialect::V1, prefixed: false }).is_none());
        assert!(encoder.frame(Shape { dialect: Dialect::V2, prefixed: false }).is_some());
    }
}
