//! Limits of request bodies: their size, and a deadline that moves with the bytes received.
//!
//! actix has no time limit for bodies, and no size limit that applies to all extractors. This stream is below all
//! extractors, and buffers nothing.
//!
//! If a handler drops a chunked body, actix keeps reading it as long as the client sends. If the body still exists when
//! the response is sent, actix closes the connection instead. So the unread rest is kept ([`UnreadBody`]) until the
//! response is sent.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use bytes::Bytes;
use futures_util::Stream;
use guichet_base::Error;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::web::errors;

/// Limits of one body: size, and minimum speed after the grace period.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyLimits {
    pub max_bytes: u64,
    pub grace: Duration,
    pub min_bytes_per_sec: u32,
}

/// Applies `bounds` to a body. If the body is dropped before its end, the rest is moved to `unread`.
pub(super) fn limit_body(payload: Payload, limits: BodyLimits, unread: UnreadBody) -> Payload {
    // There is no body to limit.
    if matches!(payload, Payload::None) {
        return payload;
    }
    let started = Instant::now();
    let state = BodyState::Open;
    let body = LimitedBody { payload, limits, unread, started, received_bytes: 0, deadline: None, state };
    Payload::Stream { payload: Box::pin(body) }
}

struct LimitedBody {
    payload: Payload,
    limits: BodyLimits,
    unread: UnreadBody,
    started: Instant,
    received_bytes: u64,
    deadline: Option<Pin<Box<Sleep>>>,
    state: BodyState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum BodyState {
    Open,
    Failed,
    Ended,
}

impl Drop for LimitedBody {
    fn drop(&mut self) {
        if self.state != BodyState::Ended {
            self.unread.0.set(Some(self.payload.take()));
        }
    }
}

impl LimitedBody {
    fn count_chunk(&mut self, chunk: Bytes) -> Result<Bytes, PayloadError> {
        self.received_bytes =
            self.received_bytes.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        if self.received_bytes > self.limits.max_bytes {
            return Err(PayloadError::Overflow);
        }
        if let Some(deadline) = &mut self.deadline {
            let due = self.started + self.limits.time_allowed(self.received_bytes);
            deadline.as_mut().reset(due);
        }
        Ok(chunk)
    }

    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let due = self.started + self.limits.time_allowed(self.received_bytes);
        self.deadline.get_or_insert_with(|| Box::pin(sleep_until(due))).as_mut().poll(context)
    }
}

impl BodyLimits {
    /// The time within which `received` bytes must have arrived.
    fn time_allowed(&self, received: u64) -> Duration {
        let millis = received.saturating_mul(1000) / u64::from(self.min_bytes_per_sec.max(1));
        self.grace.saturating_add(Duration::from_millis(millis))
    }
}

impl Stream for LimitedBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.state != BodyState::Open {
            return Poll::Ready(None);
        }
        let polled = match Pin::new(&mut this.payload).poll_next(context) {
            Poll::Ready(Some(Ok(chunk))) => Poll::Ready(Some(this.count_chunk(chunk))),
            Poll::Pending => this
                .poll_deadline(context)
                .map(|()| Some(Err(PayloadError::Io(io::ErrorKind::TimedOut.into())))),
            other => other,
        };
        match &polled {
            Poll::Ready(Some(Err(_))) => this.state = BodyState::Failed,
            Poll::Ready(None) => this.state = BodyState::Ended,
            Poll::Ready(Some(Ok(_))) | Poll::Pending => {}
        }
        polled
    }
}

/// The unread rest of a request's body.
#[derive(Clone, Default)]
pub(super) struct UnreadBody(Rc<Cell<Option<Payload>>>);

impl UnreadBody {
    /// A response body that also holds the unread rest of the request.
    pub(super) fn attach_to(&self, body: BoxBody) -> BoxBody {
        match self.0.take() {
            Some(unread) => BoxBody::new(BodyWithUnread { body, _unread: unread }),
            None => body,
        }
    }
}

struct BodyWithUnread {
    body: BoxBody,
    _unread: Payload,
}

impl MessageBody for BodyWithUnread {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

/// The error for a body that did not arrive completely.
pub(super) fn payload_error(cause: &PayloadError) -> Error {
    match cause {
        PayloadError::Overflow => errors::too_large(),
        PayloadError::Io(cause) if cause.kind() == io::ErrorKind::TimedOut => errors::timeout(),
        PayloadError::EncodingCorrupted => errors::unsupported_media(),
        _ => errors::bad_request(),
    }
}
