//! A join: authorization, missed events, and from then on all events, without a gap.
//!
//! The order makes it gapless: (1) the hub subscribes, (2) authorization and head are read, (3) the reply is queued,
//! (4) missed events are read from the log, (5) the hub makes the subscription live, including what committed
//! meanwhile. Steps 3 and 5 are one if nothing was missed.

use std::collections::VecDeque;
use std::sync::Arc;

use guichet_base::{Actor, Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::Session;
use super::channel::Channel;
use super::config::{JoinConfig, MAX_REPLAY, Resume, with_config, with_ids};
use super::presence::roster_key_of;
use crate::backend::{GrantWithBacklog, TopicGrant};
use crate::hub::connection::JoinId;
use crate::hub::{Activation, Subscriber};
use crate::presence::RosterKey;
use crate::session::socket::Socket;
use crate::wire::error_payload;
use crate::wire::frame::Frame;
use crate::wire::{self, PREFIX, Payload, Push, Shape};

/// A topic has one byte of length in binary frames, including its prefix.
const MAX_TOPIC_BYTES: usize = 255;
/// Python clients wait 30 s instead of 1 s after a reason that starts like this.
const TOO_MANY: &str = "ChannelRateLimitReached: too many channels on this connection";

/// The position from which a join resumes.
struct ResumeState {
    resume: &'static str,
    replayed: i64,
    /// Where reading the log starts; `None` if nothing is to be read.
    after: Option<i64>,
}

impl ResumeState {
    fn at_head(resume: &'static str) -> Self {
        Self { resume, replayed: 0, after: None }
    }

    /// The backlog is sent first, then the log from `head`.
    fn after_waiting(head: i64, waiting: usize) -> Self {
        Self { resume: "none", replayed: i64::try_from(waiting).unwrap_or(i64::MAX), after: Some(head) }
    }
}

impl<S: Socket> Session<S> {
    pub(super) async fn join(&mut self, push: &Push<'_>) {
        self.drop_earlier(&push.topic);
        if let Err(reason) = self.may_join_more(&push.topic) {
            let code = reason.split(':').next().unwrap_or(reason);
            let refusal = match self.dialect.is_phoenix() {
                true => json!({ "reason": reason }),
                false => json!({ "reason": reason, "code": code, "message": reason }),
            };
            return self.reply(push, "error", &refusal.to_string());
        }
        if let Err(error) = self.try_join(push).await {
            let refusal = match self.dialect.is_phoenix() {
                true => error_payload::join_error(&error, self.locale()),
                false => error_payload::command_error(&error, self.locale()),
            };
            self.reply(push, "error", &refusal);
        }
    }

    /// A join replaces an earlier one without a message: some clients would take its `phx_close` for the new one's.
    fn drop_earlier(&mut self, topic: &str) {
        if let Some(at) = self.channels.iter().position(|channel| *channel.topic == *topic) {
            self.channels.swap_remove(at).end(&self.realtime.hub);
        }
    }

    fn may_join_more(&self, topic: &str) -> Result<(), &'static str> {
        if wire::bare(topic).is_empty() {
            return Err("TopicNameRequired: a topic needs a name");
        }
        if topic.len() > MAX_TOPIC_BYTES {
            return Err("TopicNameTooLong: a topic's name has at most 255 bytes");
        }
        if self.channels.len() >= self.realtime.settings.topics_per_connection {
            return Err(TOO_MANY);
        }
        Ok(())
    }

    async fn try_join(&mut self, push: &Push<'_>) -> Result<()> {
        let Payload::Json(payload) = push.payload else {
            return Err(Error::new(ErrorKind::Malformed, "MALFORMED_JSON"));
        };
        let mut payload: Value = serde_json::from_str(&self.incoming_payload(push, payload))
            .map_err(|_| Error::malformed_json())?;
        if !self.dialect.is_phoenix() {
            payload = with_config(payload);
        }
        let config = JoinConfig::parse(&payload)?;
        let actor = self.admit(config.token.as_deref()).await?;
        // The token may have joined the person's own topics, including this one.
        self.drop_earlier(&push.topic);
        self.subscribe(push, config, actor).await
    }

    /// Subscribes `actor` to the topic of `push`, and queues the reply first.
    pub(super) async fn subscribe(
        &mut self,
        push: &Push<'_>,
        config: JoinConfig,
        actor: Arc<Actor>,
    ) -> Result<()> {
        let roster_key = roster_key_of(&config, &actor)?;
        let channel = self.channel(push, &config, &actor, roster_key);
        self.realtime.hub.subscribe(
            channel.tenant,
            channel.bare(),
            Subscriber::new(channel.id, Arc::clone(&self.connection), Arc::clone(&actor), channel.shape),
        );
        let opened = Opened { session: self, channel: Some(channel) };
        opened.finish(push, config, &actor).await
    }

    async fn authorize(&self, actor: &Actor, topic: &str, config: &JoinConfig) -> Result<GrantWithBacklog> {
        let backend = &self.realtime.backend;
        match config.unasked {
            true => backend.authorize_own(actor, topic).await,
            false => backend.authorize(actor, topic, config.after).await.map(GrantWithBacklog::from),
        }
    }

    fn channel(
        &mut self,
        push: &Push<'_>,
        config: &JoinConfig,
        actor: &Actor,
        roster_key: RosterKey,
    ) -> Channel {
        self.joins = self.joins.wrapping_add(1);
        Channel {
            topic: push.topic.clone(),
            join_ref: push.join_ref.clone().or_else(|| push.reference.clone()),
            id: JoinId { connection: self.connection.id, join: self.joins },
            tenant: actor.tenant,
            shape: Shape { dialect: self.dialect, prefixed: push.topic.starts_with(PREFIX) },
            ack: config.ack,
            own: config.own,
            plain_phoenix: config.plain_phoenix,
            is_changes_only: false,
            head: None,
            catching_up: None,
            waiting: VecDeque::new(),
            roster_key,
        }
    }

    async fn presence_state(
        &self,
        actor: &Actor,
        topic: &str,
        head: Option<i64>,
        resume: Option<Resume>,
    ) -> Result<ResumeState> {
        let (Some(head), Some(resume)) = (head, resume) else { return Ok(ResumeState::at_head("none")) };
        let log = &self.realtime.log;
        match resume {
            Resume::AfterSeq(after) if after == head => Ok(ResumeState::at_head("complete")),
            Resume::AfterSeq(after) if after > head || head - after > MAX_REPLAY => {
                Ok(ResumeState::at_head("reset"))
            }
            Resume::AfterSeq(after) => {
                // The log no longer reaches this far back.
                if self.realtime.replays.read(actor.tenant, topic, after, head).await?.is_none() {
                    return Ok(ResumeState::at_head("reset"));
                }
                Ok(ResumeState { resume: "complete", replayed: head - after, after: Some(after) })
            }
            Resume::Since(since, limit) => match log.newest_segment(actor, topic, since, limit).await? {
                Some(newest) if newest.after < head => Ok(ResumeState {
                    resume: if newest.truncated { "truncated" } else { "complete" },
                    replayed: head - newest.after,
                    after: Some(newest.after),
                }),
                Some(_) | None => Ok(ResumeState::at_head("complete")),
            },
        }
    }
}

/// A join that the hub has subscribed: unless it is finished, the hub unsubscribes it on drop.
struct Opened<'s, S: Socket> {
    session: &'s mut Session<S>,
    channel: Option<Channel>,
}

impl<S: Socket> Opened<'_, S> {
    async fn finish(mut self, push: &Push<'_>, mut config: JoinConfig, actor: &Actor) -> Result<()> {
        let session = &*self.session;
        let topic = wire::bare(&push.topic);
        let bindings = session.bindings(&config.bindings)?;
        let turn = session.realtime.join_limiter.acquire().await?;
        let authorized = session.authorize(actor, topic, &config).await;
        drop(turn);
        let (GrantWithBacklog { grant, events }, is_changes_only) =
            super::changes::granted(authorized, &mut config)?;
        let stand = match grant.head.filter(|_| !events.is_empty()) {
            Some(head) => ResumeState::after_waiting(head, events.len()),
            None => session.presence_state(actor, topic, grant.head, config.resume).await?,
        };
        let (head, visibility, watches) = (grant.head, grant.visibility.clone(), config.presence);
        let listener = session.listen(self.channel.as_ref(), actor, bindings).await?;
        let prelude = session.prelude(push, config, grant, &stand);
        let Some(mut channel) = self.channel.take() else { return Ok(()) };
        channel.head = head;
        channel.waiting = events.into();
        channel.is_changes_only = is_changes_only;
        let activation = session.activate(&channel, &stand, prelude);
        match activation {
            Activation::Live => {}
            Activation::Behind => channel.catching_up = stand.after.or(head),
            Activation::Lost => {
                self.channel = Some(channel);
                return Err(Error::unavailable("the topic was given up while it was joined"));
            }
        }
        if !is_changes_only {
            self.session.join_roster(&channel, actor, watches.then_some(visibility));
        }
        self.session.channels.push(channel);
        // Its reply is queued: changes since then follow it.
        if let Some(listener) = listener {
            listener.go_live();
        }
        Ok(())
    }
}

impl<S: Socket> Drop for Opened<'_, S> {
    fn drop(&mut self) {
        if let Some(channel) = &self.channel {
            channel.end(&self.session.realtime.hub);
        }
    }
}

impl<S: Socket> Session<S> {
    fn activate(&self, channel: &Channel, stand: &ResumeState, prelude: Vec<Frame>) -> Activation {
        let (hub, topic) = (&self.realtime.hub, channel.bare());
        match (channel.head, stand.after) {
            (None, _) => hub.activate_unnumbered(channel.tenant, topic, channel.id, prelude),
            (Some(_), Some(_)) => hub.catch_up(channel.tenant, topic, channel.id, prelude),
            (Some(head), None) => hub.activate(channel.tenant, topic, channel.id, head, prelude),
        }
    }

    /// The join's reply, and everything that must precede the first event.
    fn prelude(
        &self,
        push: &Push<'_>,
        config: JoinConfig,
        grant: TopicGrant,
        stand: &ResumeState,
    ) -> Vec<Frame> {
        let listens = !config.bindings.is_empty();
        let mut response: Map<String, Value> = grant.reply_fields;
        response.insert("postgres_changes".into(), with_ids(config.bindings));
        response.insert("last_seq".into(), grant.head.into());
        response.insert("resume".into(), stand.resume.into());
        response.insert("replayed".into(), stand.replayed.into());
        if stand.resume == "reset" {
            response.insert("head".into(), grant.head.into());
        }
        let response = Value::Object(response).to_string();
        let mut prelude: Vec<Frame> = self.reply_frame(push, "ok", &response).into_iter().collect();
        prelude.extend(listens.then(|| self.subscribed_to_changes(&push.topic)));
        prelude
    }
}
