//! A frame of a client, whatever dialect it came in.

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
    /// Echoed as it stands: text in Phoenix, JSON in the plain dialect, digits in Socket.IO.
    pub reference: Option<Box<str>>,
    /// Empty where the frame names none.
    pub topic: Box<str>,
    pub event: Box<str>,
    pub payload: Payload<'a>,
    /// Kind 3 whose meta asks to keep the broadcast.
    pub persist: bool,
}

/// What a frame is, before anybody asks what its event means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Join,
    Leave,
    Heartbeat,
    /// A token to go on with.
    Token,
    /// Something said on a topic, or a command.
    Say,
}

impl Verb {
    /// Frames that clients send by themselves.
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
    /// What a person says under `Push::event`: the inner payload of a broadcast.
    UserJson(&'a RawValue),
    /// The same as bytes.
    UserBytes(&'a [u8]),
    /// Kind 0: bytes pushed by phoenix.js, which guichet does not take.
    Raw,
}

/// A frame that makes no sense. The socket lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Malformed {}

impl Push<'_> {
    /// Unless others could not read its payload.
    pub(super) fn sound(self) -> Result<Self, Malformed> {
        match self.payload {
            Payload::Json(json) | Payload::UserJson(json) if !is_sound(json.get()) => {
                Err(Malformed("a payload that others could not read"))
            }
            _ => Ok(self),
        }
    }
}

/// Whether a value asks to keep a broadcast: `true`, or `{"ttl": seconds}`. What is kept is kept as long as the log
/// is, so a shorter time changes nothing. What makes no sense is taken for yes: nothing that was to be kept is lost.
pub fn asks_to_persist(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false)) && value.as_str() != Some("false")
}

/// No payload at all.
pub(super) fn empty() -> Result<&'static RawValue, Malformed> {
    serde_json::from_str("{}").map_err(|_| Malformed("no payload"))
}

/// A ref: an opaque string that is echoed. Clients also write null; a number is read as its digits.
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
