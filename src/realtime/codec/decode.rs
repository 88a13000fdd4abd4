//! Frames that arrive. Lenient in what clients vary (key order, missing refs, numbers as refs), strict in shape.

use std::fmt;

use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, de};
use serde_json::Value;
use serde_json::value::RawValue;

use super::sound::is_sound;
use super::{Dialect, binary};

/// A frame of a client: an event on a topic, with what the reply must echo.
#[derive(Debug)]
pub struct Push<'a> {
    pub join_ref: Option<Box<str>>,
    pub reference: Option<Box<str>>,
    pub topic: Box<str>,
    pub event: Box<str>,
    pub payload: Payload<'a>,
    /// Kind 3 whose meta asks to keep the broadcast.
    pub persist: bool,
}

#[derive(Debug)]
pub enum Payload<'a> {
    Json(&'a RawValue),
    /// Kind 3 with JSON: the inner payload of a broadcast named `Push::event`.
    UserJson(&'a RawValue),
    /// Kind 3 with bytes.
    UserBytes(&'a [u8]),
    /// Kind 0: bytes pushed by phoenix.js, which guichet does not take.
    Raw,
}

/// A frame that makes no sense. It is logged and dropped; the socket lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Malformed {}

pub fn decode_text(dialect: Dialect, text: &str) -> Result<Push<'_>, Malformed> {
    match dialect {
        Dialect::V1 => v1(text),
        Dialect::V2 => v2(text),
    }
    .and_then(sound)
}

pub fn decode_binary(dialect: Dialect, bytes: &[u8]) -> Result<Push<'_>, Malformed> {
    match dialect {
        Dialect::V1 => Err(Malformed("a binary frame on a V1 socket")),
        Dialect::V2 => binary::decode(bytes).and_then(sound),
    }
}

/// A push whose payload others can read.
fn sound(push: Push<'_>) -> Result<Push<'_>, Malformed> {
    match push.payload {
        Payload::Json(json) | Payload::UserJson(json) if !is_sound(json.get()) => {
            Err(Malformed("a payload that others could not read"))
        }
        _ => Ok(push),
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

fn v1(text: &str) -> Result<Push<'_>, Malformed> {
    let frame: V1<'_> = serde_json::from_str(text).map_err(|_| Malformed("no V1 object"))?;
    let payload = match frame.payload {
        Some(payload) => payload,
        None => serde_json::from_str("{}").map_err(|_| Malformed("no payload"))?,
    };
    Ok(Push {
        join_ref: frame.join_ref.0,
        reference: frame.reference.0,
        topic: frame.topic.into(),
        event: frame.event.into(),
        payload: Payload::Json(payload),
        persist: false,
    })
}

fn v2(text: &str) -> Result<Push<'_>, Malformed> {
    type Array<'a> = (Ref, Ref, String, String, &'a RawValue);
    let (join_ref, reference, topic, event, payload): Array<'_> =
        serde_json::from_str(text).map_err(|_| Malformed("no V2 array of five"))?;
    Ok(Push {
        join_ref: join_ref.0,
        reference: reference.0,
        topic: topic.into(),
        event: event.into(),
        payload: Payload::Json(payload),
        persist: false,
    })
}

/// Whether a value asks to keep a broadcast: `true`, or `{"ttl": seconds}`. What is kept is kept as long as the log
/// is, so a shorter time changes nothing. What makes no sense is taken for yes: nothing that was to be kept is lost.
pub fn asks_to_persist(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false)) && value.as_str() != Some("false")
}

/// A ref: an opaque string that is echoed. Clients also write null; a number is read as its digits.
#[derive(Debug, Default)]
struct Ref(Option<Box<str>>);

impl<'de> Deserialize<'de> for Ref {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyRef;
        impl Visitor<'_> for AnyRef {
            type Value = Ref;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a ref: text, number or null")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Ref, E> {
                Ok(Ref(None))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Ref, E> {
                Ok(Ref(Some(text.into())))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Ref, E> {
                Ok(Ref(Some(number.to_string().into())))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Ref, E> {
                Ok(Ref(Some(number.to_string().into())))
            }
        }
        deserializer.deserialize_any(AnyRef)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn v1_reads_missing_refs_and_the_other_spelling_of_join_ref() {
        let frame = r#"{"event":"heartbeat","payload":{},"topic":"phoenix","ref":null}"#;
        let push = decode_text(Dialect::V1, frame).unwrap();
        assert!(push.reference.is_none() && push.join_ref.is_none());
        let frame = r#"{"topic":"t","event":"e","ref":"1","joinRef":"0"}"#;
        let push = decode_text(Dialect::V1, frame).unwrap();
        assert_eq!(push.join_ref.as_deref(), Some("0"));
        assert!(matches!(push.payload, Payload::Json(raw) if raw.get() == "{}"));
    }

    #[test]
    fn v2_wants_five_items() {
        assert!(decode_text(Dialect::V2, r#"["1","1","t","e"]"#).is_err());
        assert!(decode_text(Dialect::V2, r#"["1","1","t","e",{},{}]"#).is_err());
        let push = decode_text(Dialect::V2, r#"[null,7,"t","e",{"a":1}]"#).unwrap();
        assert_eq!(push.reference.as_deref(), Some("7"));
    }

    proptest! {
        #[test]
        fn nothing_that_arrives_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300), kind in 0u8..6) {
            let _ = decode_binary(Dialect::V2, &bytes);
            let mut tagged = vec![kind];
            tagged.extend_from_slice(&bytes);
            let _ = decode_binary(Dialect::V2, &tagged);
            let text = String::from_utf8_lossy(&bytes);
            let _ = decode_text(Dialect::V1, &text);
            let _ = decode_text(Dialect::V2, &text);
        }

        #[test]
        fn what_is_written_in_text_is_read_back(
            join_ref in proptest::option::of(".{0,9}"), reference in proptest::option::of(".{0,9}"),
            topic in ".{0,40}", event in ".{0,20}", word in ".{0,40}",
        ) {
            let payload = serde_json::json!({ "word": word });
            let v2 = serde_json::json!([join_ref, reference, topic, event, payload]).to_string();
            let v1 = serde_json::json!({"topic": topic, "event": event, "payload": payload, "ref": reference,
                "join_ref": join_ref}).to_string();
            for (dialect, text) in [(Dialect::V1, v1), (Dialect::V2, v2)] {
                let push = decode_text(dialect, &text).unwrap();
                prop_assert_eq!(push.join_ref.as_deref(), join_ref.as_deref());
                prop_assert_eq!(push.reference.as_deref(), reference.as_deref());
                prop_assert_eq!(&*push.topic, topic.as_str());
                prop_assert_eq!(&*push.event, event.as_str());
                let Payload::Json(raw) = push.payload else { panic!("json") };
                prop_assert_eq!(serde_json::from_str::<serde_json::Value>(raw.get()).unwrap(), payload.clone());
            }
        }
    }
}
