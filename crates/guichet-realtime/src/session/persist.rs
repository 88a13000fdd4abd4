//! Persisted broadcasts: a client's broadcasts as durable events of a numbered topic.
//!
//! They are published like any durable event, numbered and to all, including the sender: a number left out for the
//! sender would be a gap. They are acknowledged when committed.

use guichet_base::{Error, Result};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Session;
use super::channel::Channel;
use crate::backend::PersistedBroadcast;
use crate::session::socket::Socket;
use crate::wire::Push;
use crate::wire::error_payload;

impl<S: Socket> Session<S> {
    pub(super) async fn persist(&self, push: &Push<'_>, channel: &Channel, event: &str, payload: &RawValue) {
        match self.keep(channel, event, payload).await {
            Ok(PersistedBroadcast { id, seq }) => {
                self.acknowledge(push, channel, Ok(json!({"id": id, "seq": seq})))
            }
            // realtime-js passes `error` to an application whose broadcast was to be persisted.
            Err(error) if channel.ack => {
                let mut response: Value =
                    serde_json::from_str(&error_payload::command_error(&error, self.locale()))
                        .unwrap_or_default();
                if let Some(response) = response.as_object_mut() {
                    response.insert("error".into(), error_payload::reason(&error, self.locale()).into());
                }
                self.reply(push, "error", &response.to_string());
            }
            Err(error) => self.acknowledge(push, channel, Err(error)),
        }
    }

    async fn keep(&self, channel: &Channel, event: &str, payload: &RawValue) -> Result<PersistedBroadcast> {
        self.may_say(channel, event)?;
        let actor = self.credentials.actor().ok_or_else(Error::unauthenticated)?;
        self.realtime.backend.persist_broadcast(&actor, channel.bare(), event, payload).await
    }
}
