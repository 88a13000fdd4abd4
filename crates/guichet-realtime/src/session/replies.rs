//! Answers as the dialect words them, and what was asked, under guichet's own names.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::Session;
use crate::session::socket::Socket;
use crate::wire::frame::Frame;
use crate::wire::{self, Push};

impl<S: Socket> Session<S> {
    /// `None` where nobody waits for it.
    pub(super) fn reply_frame(&self, push: &Push<'_>, status: &str, response: &str) -> Option<Frame> {
        let (join_ref, reference) = (push.join_ref.as_deref(), push.reference.as_deref());
        let response = self.spelt(&push.event, response);
        wire::reply(self.dialect, join_ref, reference, &push.topic, status, &response)
    }

    /// What is said to the client alone, under the names that it knows.
    pub(super) fn spelt<'r>(&self, event: &str, response: &'r str) -> Cow<'r, str> {
        match self.dialect.is_camel() {
            true => (self.realtime.hub.spelling.answer)(event, response).into(),
            false => response.into(),
        }
    }

    /// The payload of what is asked, under guichet's own names.
    pub(super) fn asked<'p>(&self, push: &Push<'_>, payload: &'p RawValue) -> Cow<'p, str> {
        match self.dialect.is_camel() {
            true => (self.realtime.hub.spelling.ask)(&push.event, payload.get()).into(),
            false => payload.get().into(),
        }
    }
}
