//! Incoming packets. Anything else is an error, never a panic.

use serde_json::value::RawValue;

use crate::wire::push::Malformed;

/// Longest id of an acknowledgement: clients count from 0.
const MAX_ID_DIGITS: usize = 19;

#[derive(Debug)]
pub enum Packet<'a> {
    /// Engine.IO: a ping of the client; the rest is echoed.
    Ping(&'a str),
    Pong,
    /// Engine.IO: the client is about to disconnect.
    Close,
    /// Engine.IO: no operation.
    Noop,
    /// To the namespace `/`, with the client's `auth`.
    Connect(Option<&'a RawValue>),
    /// To another namespace.
    Elsewhere(&'a str),
    Disconnect,
    Event {
        reference: Option<&'a str>,
        items: Vec<&'a RawValue>,
    },
    /// An acknowledgement that was not asked for.
    Ack,
    /// An event or acknowledgement with bytes; events may expect a reply.
    Binary {
        reference: Option<&'a str>,
    },
}

pub fn decode(text: &str) -> Result<Packet<'_>, Malformed> {
    let (kind, rest) = split(text).ok_or(Malformed("an empty packet"))?;
    match kind {
        b'1' => Ok(Packet::Close),
        b'2' => Ok(Packet::Ping(rest)),
        b'3' => Ok(Packet::Pong),
        b'4' => message(rest),
        b'6' => Ok(Packet::Noop),
        _ => Err(Malformed("no Engine.IO packet that a client sends")),
    }
}

fn message(text: &str) -> Result<Packet<'_>, Malformed> {
    let (kind, rest) = split(text).ok_or(Malformed("an empty message"))?;
    let rest = if matches!(kind, b'5' | b'6') { after_attachments(rest)? } else { rest };
    let (namespace, rest) = namespace(rest);
    if kind == b'0' && namespace != "/" {
        return Ok(Packet::Elsewhere(namespace));
    }
    if namespace != "/" {
        return Err(Malformed("no such namespace is connected"));
    }
    match kind {
        b'0' => Ok(Packet::Connect(auth(rest)?)),
        b'1' => Ok(Packet::Disconnect),
        b'2' => {
            let (reference, rest) = id(rest)?;
            let items = serde_json::from_str(rest).map_err(|_| Malformed("an event is a JSON array"))?;
            Ok(Packet::Event { reference, items })
        }
        b'3' => Ok(Packet::Ack),
        b'5' => Ok(Packet::Binary { reference: id(rest)?.0 }),
        b'6' => Ok(Packet::Binary { reference: None }),
        _ => Err(Malformed("no Socket.IO packet that a client sends")),
    }
}

/// The first byte, which must be ASCII, and the rest.
fn split(text: &str) -> Option<(u8, &str)> {
    Some((*text.as_bytes().first()?, text.get(1..)?))
}

/// `/admin,…` names a namespace; without one it is `/`.
fn namespace(rest: &str) -> (&str, &str) {
    if !rest.starts_with('/') {
        return ("/", rest);
    }
    let (name, rest) = rest.split_once(',').unwrap_or((rest, ""));
    // The part after `?` is a query of older clients.
    (name.split('?').next().unwrap_or(name), rest)
}

fn after_attachments(rest: &str) -> Result<&str, Malformed> {
    let (count, rest) = rest.split_once('-').ok_or(Malformed("a binary packet without its count"))?;
    let is_count = !count.is_empty() && count.len() <= 4 && count.bytes().all(|c| c.is_ascii_digit());
    if is_count { Ok(rest) } else { Err(Malformed("a binary packet without its count")) }
}

fn auth(rest: &str) -> Result<Option<&RawValue>, Malformed> {
    if rest.is_empty() {
        return Ok(None);
    }
    serde_json::from_str(rest).map(Some).map_err(|_| Malformed("what follows a connect is JSON"))
}

fn id(rest: &str) -> Result<(Option<&str>, &str), Malformed> {
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if digits > MAX_ID_DIGITS {
        return Err(Malformed("no acknowledgement has such an id"));
    }
    let (id, rest) = rest.split_at_checked(digits).ok_or(Malformed("an id"))?;
    Ok(((!id.is_empty()).then_some(id), rest))
}
