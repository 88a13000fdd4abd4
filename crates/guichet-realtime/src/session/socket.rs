//! The reading half of a connection. actix-ws implements it; tests have another implementation.
//!
//! The writing half is the connection's mailbox, which the owner of the connection drains.

use bytes::Bytes;
use bytestring::ByteString;

use crate::wire::frame::CloseCode;

#[derive(Debug)]
pub enum Inbound {
    Text(ByteString),
    Binary(Bytes),
    Ping(Bytes),
    Pong,
    /// The client closes the connection.
    Close,
    /// The input violates the protocol or a limit: close with this code and reason.
    Refused(CloseCode, &'static str),
}

pub trait Socket {
    /// The next message; `None` when the connection has ended. Must be cancel-safe.
    fn recv(&mut self) -> impl Future<Output = Option<Inbound>>;
}
