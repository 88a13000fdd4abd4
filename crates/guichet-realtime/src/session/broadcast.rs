//! Frames on a joined topic: broadcasts to the others, commands to the service, presence.
//!
//! A broadcast gets a reply if the join asked for `ack`; a plain push always gets one, since its sender waits for it.
//! An error reply to a sender that does not wait would make some clients join again.

use guichet_base::{Error, Result};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::Session;
use super::channel::Channel;
use crate::session::socket::Socket;
use crate::wire::error_payload;
use crate::wire::{self, BroadcastContent, Payload, Push, asks_to_persist};

const UNMATCHED: &str = r#"{"reason":"unmatched topic"}"#;
const UNKNOWN: &str = r#"{"reason":"unknown event"}"#;
/// The error on a channel that was joined for row changes only.
const NO_PEOPLE: &str = r#"{"reason":"this channel is for postgres_changes only"}"#;
const NO_BYTES: &str = r#"{"reason":"binary pushes are not taken: push JSON"}"#;

/// The fields of a broadcast's inner object that the service reads.
#[derive(Deserialize)]
struct Inner<'a> {
    #[serde(borrow, default)]
    event: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    /// Reserved for ids and numbers of the service.
    meta: Option<IgnoredAny>,
    persist: Option<Value>,
}

impl<S: Socket> Session<S> {
    /// Handles a frame on a joined topic.
    pub(super) async fn on_channel(&mut self, push: Push<'_>) {
        if let Payload::UserJson(payload) = push.payload
            && !self.dialect.is_phoenix()
            && self.realtime.backend.is_command(&push.event)
        {
            let answer = self.command(&push.event, self.arguments(&push, payload)).await;
            return self.answer(&push, answer);
        }
        let Some(channel) = self.channels.iter().find(|channel| *channel.topic == *push.topic) else {
            if !self.dialect.is_phoenix() {
                self.answer(&push, Err(Error::not_found("topic")));
            } else if push.reference.is_some() {
                self.reply(&push, "error", UNMATCHED);
            }
            return;
        };
        if !channel.is_current(&push) {
            return;
        }
        self.is_active();
        match push.payload {
            Payload::Raw => self.reply(&push, "error", NO_BYTES),
            Payload::UserJson(payload) => self.user_json(&push, channel, payload).await,
            Payload::UserBytes(_) if push.persist => {
                self.acknowledge(&push, channel, Err(Error::invalid("payload", "wrong_type")));
            }
            Payload::UserBytes(data) => {
                let content = BroadcastContent::Bytes { event: &push.event, data };
                self.relay(&push, channel, &push.event, content);
            }
            Payload::Json(payload) => match &*push.event {
                "broadcast" => self.broadcast(&push, channel, payload).await,
                "presence" if channel.is_changes_only => self.reply(&push, "error", NO_PEOPLE),
                "presence" => self.on_presence(&push, channel, payload),
                name if self.realtime.backend.is_command(name) => {
                    let payload = serde_json::from_str(payload.get()).unwrap_or_default();
                    let answer = self.command(name, payload).await;
                    self.answer(&push, answer);
                }
                _ if channel.plain_phoenix => self.reply(&push, "error", UNKNOWN),
                unknown => tracing::debug!(event = unknown, "an unknown event was ignored"),
            },
        }
    }

    /// A text broadcast: passed on unchanged, since clients differ in the fields besides `event`.
    async fn broadcast(&self, push: &Push<'_>, channel: &Channel, payload: &RawValue) {
        let inner: Inner<'_> = match serde_json::from_str(payload.get()) {
            Ok(inner) if payload.get().trim_start().starts_with('{') => inner,
            _ => return self.acknowledge(push, channel, Err(Error::invalid("payload", "wrong_type"))),
        };
        if self.realtime.backend.is_command(&inner.event) {
            let payload = match inner.payload {
                Some(payload) => serde_json::from_str(payload.get()).unwrap_or_default(),
                None => without(payload.get(), &["type", "event"]),
            };
            let answer = self.command(&inner.event, payload).await;
            return self.acknowledge(push, channel, answer);
        }
        if inner.persist.as_ref().is_some_and(asks_to_persist) {
            let event = inner.event.into_owned();
            let flat = without(payload.get(), &["type", "event", "meta", "persist"]);
            let flat = serde_json::value::to_raw_value(&flat).unwrap_or_default();
            return self.persist(push, channel, &event, inner.payload.unwrap_or(&flat)).await;
        }
        // Forged numbers would make subscribers believe that they missed nothing.
        if inner.meta.is_some() {
            let payload = without(payload.get(), &["meta"]).to_string();
            return self.relay(push, channel, &inner.event, BroadcastContent::Verbatim(&payload));
        }
        self.relay(push, channel, &inner.event, BroadcastContent::Verbatim(payload.get()));
    }

    /// A broadcast under its own name: kind 3 with JSON, and the plain dialects.
    async fn user_json(&self, push: &Push<'_>, channel: &Channel, payload: &RawValue) {
        let event = &*push.event;
        if self.realtime.backend.is_command(event) {
            let answer = self.command(event, self.arguments(push, payload)).await;
            return self.acknowledge(push, channel, answer);
        }
        if push.persist {
            return self.persist(push, channel, event, payload).await;
        }
        self.relay(push, channel, event, BroadcastContent::Personal { event, payload: payload.get() });
    }

    fn relay(&self, push: &Push<'_>, channel: &Channel, event: &str, content: BroadcastContent<'_>) {
        if let Err(error) = self.may_say(channel, event) {
            return self.acknowledge(push, channel, Err(error));
        }
        let except = (!channel.own).then_some(channel.id);
        self.realtime.hub.broadcast(channel.tenant, channel.bare(), content, except);
        self.acknowledge(push, channel, Ok(Value::Object(Map::new())));
    }

    /// The payload of a command.
    fn arguments(&self, push: &Push<'_>, payload: &RawValue) -> Value {
        serde_json::from_str(&self.incoming_payload(push, payload)).unwrap_or_default()
    }

    /// Checks that clients may send `event`. Clients compare event names case-insensitively.
    pub(super) fn may_say(&self, channel: &Channel, event: &str) -> Result<()> {
        if channel.is_changes_only {
            return Err(Error::not_found("topic"));
        }
        // Typed clients drop a frame without a name, and no handler could match it.
        if event.is_empty() {
            return Err(Error::invalid("event", "missing"));
        }
        let name = event.to_lowercase();
        if wire::is_of_the_wire(&name) || self.realtime.backend.is_reserved_event(&name) {
            tracing::debug!(event, topic = channel.bare(), "a reserved event was dropped");
            return Err(Error::forbidden());
        }
        Ok(())
    }

    async fn command(&self, name: &str, payload: Value) -> Result<Value> {
        let actor = self.credentials.actor().ok_or_else(Error::unauthenticated)?;
        self.realtime.backend.run_command(&actor, name, payload).await
    }

    pub(super) fn acknowledge(&self, push: &Push<'_>, channel: &Channel, answer: Result<Value>) {
        match answer {
            answer if channel.ack => self.answer(push, answer),
            Ok(_) => {}
            // Logged all the same, if it was the service's own fault.
            Err(error) => drop(error_payload::command_error(&error, self.locale())),
        }
    }

    fn answer(&self, push: &Push<'_>, answer: Result<Value>) {
        match answer {
            Ok(Value::Object(response)) => self.reply(push, "ok", &Value::Object(response).to_string()),
            // The response of a reply is an object, whatever REST returns.
            Ok(Value::Null) => self.reply(push, "ok", "{}"),
            Ok(other) => self.reply(push, "ok", &serde_json::json!({ "data": other }).to_string()),
            Err(error) => self.reply(push, "error", &error_payload::command_error(&error, self.locale())),
        }
    }
}

/// The object without some keys. (Flutter puts the user's own keys next to `type` and `event`, without an inner
/// payload.)
fn without(object: &str, keys: &[&str]) -> Value {
    let mut object: Map<String, Value> = serde_json::from_str(object).unwrap_or_default();
    for key in keys {
        object.remove(*key);
    }
    Value::Object(object)
}
