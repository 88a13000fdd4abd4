//! Binary frames of V2. Every size is one byte that counts UTF-8 bytes.
//!
//! Kind 0 (push of phoenix.js): `00 jr ref topic event .. data`. Kind 3 (user broadcast push):
//! `03 jr ref topic event meta enc .. data`, enc 1 = JSON, 0 = bytes. Kind 4 (user broadcast, to clients):
//! `04 topic event meta enc .. data`.

use serde_json::{Map, Value};

use super::decode::verb;
use crate::wire::frame::Frame;
use crate::wire::push::{Malformed, Payload, Push, asks_to_persist};

const PUSH: u8 = 0;
const USER_PUSH: u8 = 3;
const USER_BROADCAST: u8 = 4;
const BYTES: u8 = 0;
const JSON: u8 = 1;

pub fn decode(frame: &[u8]) -> Result<Push<'_>, Malformed> {
    match frame {
        [PUSH, join_ref, reference, topic, event, rest @ ..] => {
            let (join_ref, rest) = field(rest, *join_ref)?;
            let (reference, rest) = field(rest, *reference)?;
            let (topic, rest) = field(rest, *topic)?;
            let (event, _data) = field(rest, *event)?;
            Ok(made(join_ref, reference, topic, event, Payload::Raw))
        }
        [USER_PUSH, join_ref, reference, topic, event, meta, encoding, rest @ ..] => {
            let (join_ref, rest) = field(rest, *join_ref)?;
            let (reference, rest) = field(rest, *reference)?;
            let (topic, rest) = field(rest, *topic)?;
            let (event, rest) = field(rest, *event)?;
            let (meta, data) = field(rest, *meta)?;
            let push = made(join_ref, reference, topic, event, user_payload(*encoding, data)?);
            Ok(Push { persist: persists(meta)?, ..push })
        }
        _ => Err(Malformed("a binary frame of no known kind")),
    }
}

/// Kind 4 with bytes. `None` if a name exceeds one byte of length.
pub fn user_broadcast(topic: &str, event: &str, data: &[u8]) -> Option<Frame> {
    let header = [USER_BROADCAST, size(topic)?, size(event)?, 0, BYTES];
    Some(Frame::binary(&[&header, topic.as_bytes(), event.as_bytes(), data]))
}

fn size(text: &str) -> Option<u8> {
    u8::try_from(text.len()).ok()
}

fn user_payload(encoding: u8, data: &[u8]) -> Result<Payload<'_>, Malformed> {
    match encoding {
        BYTES => Ok(Payload::UserBytes(data)),
        JSON => {
            serde_json::from_slice(data).map(Payload::UserJson).map_err(|_| Malformed("kind 3 without JSON"))
        }
        _ => Err(Malformed("kind 3 of no known encoding")),
    }
}

/// `meta` is empty, or an object whose key `persist` asks for persistence.
fn persists(meta: &str) -> Result<bool, Malformed> {
    if meta.is_empty() {
        return Ok(false);
    }
    let meta: Map<String, Value> =
        serde_json::from_str(meta).map_err(|_| Malformed("kind 3 whose meta is no object"))?;
    Ok(meta.get("persist").is_some_and(asks_to_persist))
}

fn field(rest: &[u8], length: u8) -> Result<(&str, &[u8]), Malformed> {
    let (text, rest) = rest.split_at_checked(usize::from(length)).ok_or(Malformed("a short binary frame"))?;
    let text = std::str::from_utf8(text).map_err(|_| Malformed("a binary frame without UTF-8 names"))?;
    Ok((text, rest))
}

fn made<'a>(join_ref: &str, reference: &str, topic: &str, event: &str, payload: Payload<'a>) -> Push<'a> {
    let unless_empty = |text: &str| (!text.is_empty()).then(|| text.into());
    Push {
        verb: verb(topic, event),
        join_ref: unless_empty(join_ref),
        reference: unless_empty(reference),
        topic: topic.into(),
        event: event.into(),
        payload,
        persist: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn a_broadcast_as_realtime_js_writes_it_is_read() {
        let frame = bytes(
            "0301010f06000136377265616c74696d653a726f6f6d3a31637572736f727b2278223a312c2273223a22c3a9227d",
        );
        let push = decode(&frame).unwrap();
        assert_eq!((push.join_ref.as_deref(), push.reference.as_deref()), (Some("6"), Some("7")));
        assert_eq!((&*push.topic, &*push.event), ("realtime:room:1", "cursor"));
        assert!(matches!(push.payload, Payload::UserJson(raw) if raw.get() == r#"{"x":1,"s":"é"}"#));
    }

    #[test]
    fn meta_of_a_broadcast_is_skipped() {
        let frame =
            bytes("0301010a01100136377265616c74696d653a74617b2270657273697374223a747275657d7b2271223a317d");
        let push = decode(&frame).unwrap();
        assert_eq!((&*push.topic, &*push.event), ("realtime:t", "a"));
        assert!(matches!(push.payload, Payload::UserJson(raw) if raw.get() == r#"{"q":1}"#));
    }

    #[test]
    fn kinds_of_a_server_are_not_taken_from_a_client() {
        for kind in [1u8, 2, 4, 5, 255] {
            assert!(decode(&[kind, 0, 0, 0, 0, 0, 0, 0]).is_err());
        }
        assert!(matches!(decode(&[0, 0, 0, 0, 0, 9, 9]).unwrap().payload, Payload::Raw));
    }

    #[test]
    fn bytes_leave_as_kind_four() {
        let (opcode, payload) = user_broadcast("realtime:t", "e", &[1, 2]).unwrap().decode();
        assert_eq!(opcode, 2);
        assert_eq!(&payload[..], b"\x04\x0a\x01\x00\x00realtime:te\x01\x02");
        assert!(user_broadcast(&"t".repeat(256), "e", &[]).is_none());
    }
}
