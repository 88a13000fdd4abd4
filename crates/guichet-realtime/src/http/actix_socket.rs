//! A connection over actix-ws, which does the handshake and parses incoming frames.
//!
//! Outgoing frames bypass it: the response's body is the mailbox itself, whose frames are encoded once for all
//! subscribers, and which wakes the connection's writer without waking the session.

use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::{FromRequest as _, HttpRequest, HttpResponse, web};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, ProtocolError};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};

use crate::http::frame_guard::{Guarded, Refused};
use crate::hub::connection::Connection;
use crate::session::socket::{Inbound, Socket};
use crate::wire::frame::CloseCode;

/// The subprotocol that phoenix.js offers besides its token, and requires to be selected.
pub const SUBPROTOCOL: &str = "phoenix";

const TOO_BIG: &str = "a frame has at most 64 KiB: send smaller ones";

pub struct ActixSocket {
    messages: AggregatedMessageStream,
    refused: Refused,
}

type BoxedPayloadStream = Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>>;

/// Does the handshake. The response's body writes the frames queued for `connection`.
pub fn accept(
    request: &HttpRequest,
    payload: web::Payload,
    connection: Arc<Connection>,
    max_frame_bytes: usize,
) -> actix_web::Result<(HttpResponse, ActixSocket)> {
    let refused = Refused::default();
    let guarded = Guarded::new(payload, max_frame_bytes, Rc::clone(&refused));
    let guarded: BoxedPayloadStream = Box::pin(guarded);
    let mut guarded = Payload::Stream { payload: guarded };
    let payload = web::Payload::from_request(request, &mut guarded).into_inner()?;
    let (response, _session, messages) = actix_ws::handle_with_protocols(request, payload, &[SUBPROTOCOL])?;
    let messages = messages
        .max_frame_size(max_frame_bytes)
        .aggregate_continuations()
        .max_continuation_size(max_frame_bytes);
    let response = response.map_body(|_, close_signal| Outgoing { connection, close_signal }.boxed());
    Ok((response, ActixSocket { messages, refused }))
}

impl Socket for ActixSocket {
    async fn recv(&mut self) -> Option<Inbound> {
        Some(match self.messages.next().await? {
            Ok(AggregatedMessage::Text(text)) => Inbound::Text(text),
            Ok(AggregatedMessage::Binary(bytes)) => Inbound::Binary(bytes),
            Ok(AggregatedMessage::Ping(payload)) => Inbound::Ping(payload),
            Ok(AggregatedMessage::Pong(_)) => Inbound::Pong,
            Ok(AggregatedMessage::Close(_)) => Inbound::Close,
            Err(_) if self.refused.get() => Inbound::Refused(CloseCode::MessageTooBig, TOO_BIG),
            Err(error) => return refusal(&error),
        })
    }
}

/// The close code for a broken stream of frames; `None` if the peer is gone.
fn refusal(error: &ProtocolError) -> Option<Inbound> {
    match error {
        ProtocolError::Overflow => Some(Inbound::Refused(CloseCode::MessageTooBig, TOO_BIG)),
        ProtocolError::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Some(Inbound::Refused(CloseCode::InvalidPayload, "text frames carry UTF-8"))
        }
        ProtocolError::Io(_) => None,
        _ => Some(Inbound::Refused(CloseCode::ProtocolError, "not a WebSocket frame")),
    }
}

/// The writing half: yields queued frames while the connection lives.
struct Outgoing {
    connection: Arc<Connection>,
    /// actix-ws's own body, never polled: dropping it ends the stream of incoming messages.
    #[expect(dead_code, reason = "held for its Drop")]
    close_signal: BoxBody,
}

impl MessageBody for Outgoing {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        self.connection.poll_frame(cx).map(|frame| frame.map(Ok))
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.connection.mailbox.close();
    }
}
