//! Presence of one connection: where its joins stand on the rosters of their topics, and what it tracks.

use std::sync::Arc;

use guichet_base::{Actor, Error, Result};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Session;
use super::channel::Channel;
use super::config::JoinConfig;
use crate::backend::Visibility;
use crate::presence::{self, Joining, RosterKey, SnapshotProgress, Tracked, Watcher};
use crate::session::socket::Socket;
use crate::wire::Push;
use crate::wire::failure;

/// What a `presence` push holds.
#[derive(Deserialize)]
struct Tracking<'a> {
    #[serde(borrow, default)]
    event: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

/// Where the join will stand. Errors: the presence key is another person's id, or too long.
pub(super) fn place(config: &JoinConfig, actor: &Actor) -> Result<RosterKey> {
    Ok(RosterKey { key: presence::key(config.presence_key.as_deref(), actor.user)?, user: actor.user })
}

impl<S: Socket> Session<S> {
    /// What the person does counts; that their device is alive does not.
    pub(super) fn is_active(&self) {
        if let Some(actor) = self.credentials.actor() {
            self.realtime.hub.touch(actor.tenant, actor.user);
        }
    }

    /// Puts a join that was answered on its topic's roster. `sees`: it asked for presence, and sees these.
    pub(super) fn join_roster(&self, channel: &Channel, actor: &Actor, sees: Option<Visibility>) {
        let watcher = sees.map(|sees| Watcher {
            join: channel.id,
            connection: Arc::clone(&self.connection),
            shape: channel.shape,
            join_ref: channel.join_ref.clone(),
            sees,
            progress: SnapshotProgress::Nothing,
        });
        self.realtime.hub.touch(actor.tenant, actor.user);
        self.realtime.hub.presence().join(Joining {
            tenant: channel.tenant,
            topic: channel.bare().into(),
            place: channel.place.clone(),
            user_type: actor.role.user_type(),
            join: channel.id,
            watcher,
        });
    }

    /// Takes a join off its topic's roster at once.
    pub(super) fn leave_roster(&self, channel: &Channel) {
        let presence = self.realtime.hub.presence();
        presence.leave_topic(channel.tenant, channel.bare(), &channel.place, channel.id);
    }

    /// `track` and `untrack`. Always answered: clients wait for it.
    pub(super) fn on_presence(&self, push: &Push<'_>, channel: &Channel, payload: &RawValue) {
        match tracked(payload.get()) {
            Ok(tracked) => {
                let presence = self.realtime.hub.presence();
                presence.track(channel.tenant, channel.bare(), &channel.place, channel.id, tracked);
                self.reply(push, "ok", "{}");
            }
            Err(error) => self.reply(push, "error", &failure::command(&error, self.locale())),
        }
    }

    /// What presence says of this connection's person changed: the watchers of its topics are told soon.
    pub(super) fn restate_presence(&self) {
        let presence = self.realtime.hub.presence();
        for channel in &self.channels {
            presence.mark(channel.tenant, channel.bare(), channel.place.user);
        }
    }

    /// A presence frame to this connection may have been lost: its watchers are given the whole picture again.
    pub(super) fn repeat_presence(&self) {
        let presence = self.realtime.hub.presence();
        for channel in &self.channels {
            presence.refresh(channel.tenant, channel.bare(), channel.id);
        }
        // After all of them: no difference may come between what was lost and the new picture.
        self.connection.mailbox.mend_presence();
    }
}

/// What is tracked from now on: nothing after `untrack`.
fn tracked(json: &str) -> Result<Option<Tracked>> {
    let tracking: Tracking<'_> =
        serde_json::from_str(json).map_err(|_| Error::invalid("payload", "wrong_type"))?;
    match tracking.event.to_ascii_lowercase().as_str() {
        "track" => Tracked::parse(tracking.payload.map_or("{}", RawValue::get)).map(Some),
        "untrack" => Ok(None),
        _ => Err(Error::invalid("event", "unknown_value")),
    }
}
