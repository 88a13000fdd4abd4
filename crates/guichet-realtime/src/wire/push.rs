//! A client's frame, in any dialect.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::sound::is_sound;

/// An event on a topic, with what the reply must echo.
#[derive(Debug)]
pub struct Push<'a> {
    pub verb: Verb,
    pub join_ref: Option<Box<str>>,
    /// Echoed unchanged: text in Phoenix, JSON in the plain dialect, digits in Socket.IO.
    pub reference: Option<Box<str>>,
    /// Empty if the frame names none.
    pub topic: Box<str>,
    pub event: Box<str>,
    pub payload: Payload<'a>,
    /// Kind 3 whose meta asks for persistence.
    pub persist: bool,
}

/// The kind of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Join,
    Leave,
    Heartbeat,
    /// A new token.
    Token,
    /// A broadcast or a command.
    Say,
}

impl Verb {
    /// Whether clients send such frames on their own.
    pub fn is_control(self) -> bool {
        match self {
            Verb::Join | Verb::Leave | Verb::Heartbeat | Verb::Token => true,
            Verb::Say => false,
        }
    }
}

#[derive(Debug)]
pub enum Payload<'a> {
    Json(&'a RawValue),
    /// The inner payload of a broadcast with the name `Push::event`.
    UserJson(&'a RawValue),
    /// The same as bytes.
    UserBytes(&'a [u8]),
    /// Kind 0: bytes pushed by phoenix.js, which guichet does not support.
    Raw,
}

/// A malformed frame. The socket stays open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Malformed {}

impl Push<'_> {
    /// Errors: other clients could not parse its payload.
    pub(super) fn sound(self) -> Result<Self, Malformed> {
        match self.payload {
            Payload::Json(json) | Payload::UserJson(json) if !is_sound(json.get()) => {
                Err(Malformed("a payload that others could not read"))
            }
            _ => Ok(self),
        }
    }
}

/// Whether a value asks for persistence: `true`, or `{"ttl": seconds}`. Persisted broadcasts are kept as long as the
/// log, so a shorter time has no effect. Invalid values count as yes, so that nothing is lost.
pub fn asks_to_persist(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false)) && value.as_str() != Some("false")
}

/// No payload at all.
pub(super) fn empty() -> Result<&'static RawValue, Malformed> {
    serde_json::from_str("{}").map_err(|_| Malformed("no payload"))
}

/// A ref: an opaque string that is echoed. Clients also send null; a number is read as its digits.
#[derive(Debug, Default)]
pub(super) struct Ref(pub Option<Box<str>>);

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
