//! Incoming text frames. Lenient where clients vary (key order, missing refs, numbers as refs), strict in shape.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::wire::push::{Malformed, Payload, Push, Ref, Verb, empty};

/// The meaning of the pair in Phoenix.
pub fn verb(topic: &str, event: &str) -> Verb {
    match (topic, event) {
        ("phoenix", "heartbeat") => Verb::Heartbeat,
        (_, "phx_join") => Verb::Join,
        (_, "phx_leave") => Verb::Leave,
        (_, "access_token") => Verb::Token,
        _ => Verb::Say,
    }
}

#[derive(Deserialize)]
struct V1<'a> {
    topic: String,
    event: String,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    #[serde(default, rename = "ref")]
    reference: Ref,
    #[serde(default, alias = "joinRef")]
    join_ref: Ref,
}

pub fn v1(text: &str) -> Result<Push<'_>, Malformed> {
    let frame: V1<'_> = serde_json::from_str(text).map_err(|_| Malformed("no V1 object"))?;
    let payload = match frame.payload {
        Some(payload) => payload,
        None => empty()?,
    };
    Ok(Push {
        verb: verb(&frame.topic, &frame.event),
        join_ref: frame.join_ref.0,
        reference: frame.reference.0,
        topic: frame.topic.into(),
        event: frame.event.into(),
        payload: Payload::Json(payload),
        persist: false,
    })
}

pub fn v2(text: &str) -> Result<Push<'_>, Malformed> {
    type Array<'a> = (Ref, Ref, String, String, &'a RawValue);
    let (join_ref, reference, topic, event, payload): Array<'_> =
        serde_json::from_str(text).map_err(|_| Malformed("no V2 array of five"))?;
    Ok(Push {
        verb: verb(&topic, &event),
        join_ref: join_ref.0,
        reference: reference.0,
        topic: topic.into(),
        event: event.into(),
        payload: Payload::Json(payload),
        persist: false,
    })
}
