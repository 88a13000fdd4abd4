//! What a session reads from. actix-ws feeds one kind of socket; tests feed another.
//!
//! Only the reading half: the writing half is the connection's mailbox, which whoever owns the bytes drains.

use bytes::Bytes;
use bytestring::ByteString;

use crate::wire::frame::CloseCode;

#[derive(Debug)]
pub enum Inbound {
    Text(ByteString),
    Binary(Bytes),
    Ping(Bytes),
    Pong,
    /// The client says goodbye.
    Close,
    /// What arrived breaks the protocol or a limit: close with this code and reason.
    Refused(CloseCode, &'static str),
}

pub trait Socket {
    /// The next message; `None` when the connection is gone. Must be cancel-safe.
    fn recv(&mut self) -> impl Future<Output = Option<Inbound>>;
}
