//! Presence of one connection: its places on rosters, and what it tracks.

use std::sync::Arc;

use guichet_base::{Actor, Error, Result};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Session;
use super::channel::Channel;
use super::config::JoinConfig;
use crate::backend::Visibility;
use crate::presence::{self, PresenceJoin, RosterKey, SnapshotProgress, TrackedFields, Watcher};
use crate::session::socket::Socket;
use crate::wire::Push;
use crate::wire::error_payload;

/// The payload of a `presence` push.
#[derive(Deserialize)]
struct Tracking<'a> {
    #[serde(borrow, default)]
    event: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

/// The roster key of a join on the roster. Errors: the presence key is another person's id, or too long.
pub(super) fn roster_key_of(config: &JoinConfig, actor: &Actor) -> Result<RosterKey> {
    Ok(RosterKey { key: presence::parse_key(config.presence_key.as_deref(), actor.user)?, user: actor.user })
}

impl<S: Socket> Session<S> {
    /// Records an activity of the person. Heartbeats of the device do not count.
    pub(super) fn is_active(&self) {
        if let Some(actor) = self.credentials.actor() {
            self.realtime.hub.touch(actor.tenant, actor.user);
        }
    }

    /// Adds a join to its topic's roster, after the reply. `visibility` is set if it asked for presence.
    pub(super) fn join_roster(&self, channel: &Channel, actor: &Actor, visibility: Option<Visibility>) {
        let watcher = visibility.map(|visibility| Watcher {
            join: channel.id,
            connection: Arc::clone(&self.connection),
            shape: channel.shape,
            join_ref: channel.join_ref.clone(),
            visibility,
            progress: SnapshotProgress::Nothing,
        });
        self.realtime.hub.touch(actor.tenant, actor.user);
        self.realtime.hub.presence().join(PresenceJoin {
            tenant: channel.tenant,
            topic: channel.bare().into(),
            roster_key: channel.roster_key.clone(),
            user_type: actor.role.user_type(),
            join: channel.id,
            watcher,
        });
    }

    /// Removes a join from its topic's roster at once.
    pub(super) fn leave_roster(&self, channel: &Channel) {
        let presence = self.realtime.hub.presence();
        presence.leave_topic(channel.tenant, channel.bare(), &channel.roster_key, channel.id);
    }

    /// `track` and `untrack`. Always replied to, since clients wait for it.
    pub(super) fn on_presence(&self, push: &Push<'_>, channel: &Channel, payload: &RawValue) {
        match tracked(payload.get()) {
            Ok(tracked) => {
                let presence = self.realtime.hub.presence();
                presence.track(channel.tenant, channel.bare(), &channel.roster_key, channel.id, tracked);
                self.reply(push, "ok", "{}");
            }
            Err(error) => self.reply(push, "error", &error_payload::command_error(&error, self.locale())),
        }
    }

    /// The presence state of the person changed: the watchers of their topics are notified soon.
    pub(super) fn restate_presence(&self) {
        let presence = self.realtime.hub.presence();
        for channel in &self.channels {
            presence.mark_changed(channel.tenant, channel.bare(), channel.roster_key.user);
        }
    }

    /// A presence frame to this connection may have been lost: its watchers get complete states again.
    pub(super) fn repeat_presence(&self) {
        let presence = self.realtime.hub.presence();
        for channel in &self.channels {
            presence.refresh(channel.tenant, channel.bare(), channel.id);
        }
        // After all of them: no diff may come between the lost frame and the complete state.
        self.connection.mailbox.resume_presence();
    }
}

/// The fields tracked from now on; `None` after `untrack`.
fn tracked(json: &str) -> Result<Option<TrackedFields>> {
    let tracking: Tracking<'_> =
        serde_json::from_str(json).map_err(|_| Error::invalid("payload", "wrong_type"))?;
    match tracking.event.to_ascii_lowercase().as_str() {
        "track" => TrackedFields::parse(tracking.payload.map_or("{}", RawValue::get)).map(Some),
        "untrack" => Ok(None),
        _ => Err(Error::invalid("event", "unknown_value")),
    }
}
