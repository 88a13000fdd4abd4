//! Replies in the naming convention of the dialect, and requests converted to guichet's own names.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::Session;
use crate::session::socket::Socket;
use crate::wire::frame::Frame;
use crate::wire::{self, Push};

impl<S: Socket> Session<S> {
    /// `None` if no reply is expected.
    pub(super) fn reply_frame(&self, push: &Push<'_>, status: &str, response: &str) -> Option<Frame> {
        let (join_ref, reference) = (push.join_ref.as_deref(), push.reference.as_deref());
        let response = self.spelt(&push.event, response);
        wire::reply(self.dialect, join_ref, reference, &push.topic, status, &response)
    }

    /// Converts a payload for the client to its naming convention.
    pub(super) fn spelt<'r>(&self, event: &str, response: &'r str) -> Cow<'r, str> {
        match self.dialect.is_camel() {
            true => (self.realtime.hub.spelling.answer)(event, response).into(),
            false => response.into(),
        }
    }

    /// Converts the payload of a request to guichet's own names.
    pub(super) fn incoming_payload<'p>(&self, push: &Push<'_>, payload: &'p RawValue) -> Cow<'p, str> {
        match self.dialect.is_camel() {
            true => (self.realtime.hub.spelling.ask)(&push.event, payload.get()).into(),
            false => payload.get().into(),
        }
    }
}
