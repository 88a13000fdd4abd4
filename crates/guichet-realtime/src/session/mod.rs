//! One connection: a task that handles its frames one after the other.
//!
//! - Everything for the client is queued in its mailbox, by this session and by the hub; the session never writes.
//! - Frames are handled in order and to their end, so that a client's commands take effect as it sent them.
//! - Whatever the client sends, the session replies, ignores it, or closes with a code; it never fails.

mod broadcast;
mod budget;
mod catch_up;
mod changes;
mod channel;
mod config;
mod credential;
mod join;
pub(crate) mod join_limiter;
mod packets;
mod persist;
mod plain;
mod presence;
mod replies;
mod rights;
pub(crate) mod socket;

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test stops at what it did not expect")]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use guichet_base::{Error, Locale};
use serde_json::{Map, Value};
use tokio::time::Instant;

use self::budget::{Budget, BudgetVerdict};
use self::channel::Channel;
use self::credential::Credentials;
use self::plain::Plain;
use self::rights::Recheck;
use super::Realtime;
use crate::backend::PeerInfo;
use crate::hub::connection::{Connection, SessionOrder};
use crate::hub::mailbox::FrameClass;
use crate::session::socket::{Inbound, Socket};
use crate::wire::frame::{CloseCode, Frame};
use crate::wire::{self, Dialect, Push, Verb};

/// Interval of checks for silence and stalled readers.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// A reader that takes nothing for this long while frames are queued is gone.
const UNREAD: Duration = Duration::from_secs(30);

/// The reason of a channel that ends and that the client should resume.
const RESUME: &str = "RESUME: join again with after_seq";

/// The properties of a connection before its first frame.
pub struct Opening {
    pub dialect: Dialect,
    pub peer: PeerInfo,
    /// Tokens found in the request, most specific first.
    pub tokens: Vec<secrecy::SecretString>,
    /// The tenant in the path, as written; the actor must belong to it.
    pub place: Option<Box<str>>,
}

pub struct Session<S: Socket> {
    socket: S,
    realtime: Arc<Realtime>,
    connection: Arc<Connection>,
    dialect: Dialect,
    channels: Vec<Channel>,
    credentials: Credentials,
    plain: Plain,
    budget: Budget,
    recheck: Recheck,
    joins: u32,
    heard: Instant,
    looked: Looked,
}

/// The state at the last check.
#[derive(Default)]
struct Looked {
    /// The queue's progress while it is not empty, and since when it has not changed.
    stands: Option<(u64, Instant)>,
    counted: u64,
}

/// Whether the session continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Go,
    Stop,
}

impl<S: Socket> Session<S> {
    pub fn new(socket: S, realtime: Arc<Realtime>, connection: Arc<Connection>, opening: Opening) -> Self {
        let now = Instant::now();
        realtime.hub.metrics.connections.increment(1.0);
        Self {
            budget: Budget::new(realtime.settings.frames_per_10s, now),
            credentials: Credentials::new(opening.tokens, opening.peer),
            plain: Plain::new(opening.dialect, opening.place, now),
            dialect: opening.dialect,
            socket,
            realtime,
            connection,
            channels: Vec::new(),
            recheck: Recheck::default(),
            joins: 0,
            heard: now,
            looked: Looked::default(),
        }
    }

    pub async fn run(mut self) {
        if Box::pin(self.greet()).await == Next::Stop {
            return;
        }
        let mut look = self.heard + LOOK_EVERY;
        loop {
            // Before any read, so that a client that sends without a pause is checked too.
            if self.recheck.is_due(Instant::now()) {
                Box::pin(self.check_rights()).await;
            }
            let catches_up = self.channels.iter().any(Channel::is_catching_up);
            let page = (catches_up || self.owes_topics()) && self.connection.mailbox.request_room();
            let token = self.credentials.deadline(&self.realtime.clock);
            let deadline = [token, self.recheck.at(), self.plain.deadline()];
            let deadline = deadline.into_iter().flatten().fold(look, Instant::min);
            let next = tokio::select! {
                biased;
                () = self.connection.wait() => self.obey(),
                inbound = self.socket.recv() => match inbound {
                    // Boxed: the future of a frame's handling is large, and most connections are idle.
                    Some(inbound) => Box::pin(self.on_inbound(inbound)).await,
                    None => Next::Stop,
                },
                () = std::future::ready(()), if page => {
                    Box::pin(self.go_on()).await;
                    Next::Go
                }
                () = tokio::time::sleep_until(deadline) => {
                    look = if Instant::now() >= look { Instant::now() + LOOK_EVERY } else { look };
                    self.look()
                }
            };
            if next == Next::Stop {
                return;
            }
        }
    }

    async fn on_inbound(&mut self, inbound: Inbound) -> Next {
        self.heard = Instant::now();
        match inbound {
            Inbound::Text(text) if self.dialect == Dialect::SocketIo => self.on_packet(&text).await,
            Inbound::Text(text) => self.on_push(wire::decode_text(self.dialect, &text)).await,
            Inbound::Binary(bytes) => self.on_push(wire::decode_binary(self.dialect, &bytes)).await,
            Inbound::Ping(payload) => {
                let next = self.spend(true);
                if next == Next::Go {
                    self.queue(Frame::pong(&payload));
                }
                next
            }
            Inbound::Pong => Next::Go,
            Inbound::Close => self.close(CloseCode::Normal, ""),
            Inbound::Refused(code, reason) => self.close(code, reason),
        }
    }

    async fn on_push(&mut self, push: Result<Push<'_>, wire::Malformed>) -> Next {
        self.realtime.hub.metrics.frames(self.dialect).received.increment(1);
        let push = match push {
            Ok(push) => push,
            Err(malformed) => return self.malformed(&malformed),
        };
        match self.budget.spend(push.verb.is_control(), Instant::now()) {
            BudgetVerdict::Pass => {}
            BudgetVerdict::Refuse(wait) => {
                self.refuse(&push, &Error::rate_limited(wait));
                return Next::Go;
            }
            BudgetVerdict::Close => return self.close_flooding(),
        }
        self.dispatch(push).await;
        Next::Go
    }

    async fn dispatch(&mut self, push: Push<'_>) {
        match push.verb {
            Verb::Heartbeat => self.heartbeat(&push),
            Verb::Join => self.join(&push).await,
            Verb::Leave => self.leave(&push),
            Verb::Token => self.renew(&push).await,
            Verb::Say => self.on_channel(push).await,
        }
    }

    fn heartbeat(&self, push: &Push<'_>) {
        let heads: Map<String, Value> = self
            .channels
            .iter()
            .filter_map(|channel| Some((channel.topic.to_string(), channel.head(&self.realtime.hub)?.into())))
            .collect();
        self.reply(push, "ok", &serde_json::json!({ "heads": heads }).to_string());
    }

    fn leave(&mut self, push: &Push<'_>) {
        self.reply(push, "ok", "{}");
        let Some(at) = self.channels.iter().position(|channel| *channel.topic == *push.topic) else { return };
        let is_current = self.channels.get(at).is_some_and(|channel| channel.is_current(push));
        if is_current {
            let channel = self.channels.swap_remove(at);
            self.leave_roster(&channel);
            channel.end(&self.realtime.hub);
            // In other dialects the reply is enough.
            if self.dialect.is_phoenix() {
                self.close_channel(&channel, "");
            }
        }
    }

    /// Executes orders.
    fn obey(&mut self) -> Next {
        for order in self.connection.take_orders() {
            match order {
                SessionOrder::Resume => self.resume_all(),
                SessionOrder::ResumeJoin(id) => {
                    if let Some(at) = self.channels.iter().position(|channel| channel.id == id) {
                        let channel = self.channels.swap_remove(at);
                        self.end_for_rejoin(&channel, RESUME);
                    }
                }
                SessionOrder::Reauthorize => self.recheck.ask(Instant::now()),
                SessionOrder::PresenceChanged => self.restate_presence(),
                SessionOrder::PresenceLost => self.repeat_presence(),
                SessionOrder::Supersede if self.dialect.is_phoenix() => self.superseded(),
                SessionOrder::Supersede => return self.close_superseded(),
                SessionOrder::Restart => {
                    return self.close(CloseCode::ServiceRestart, "the service restarts: reconnect");
                }
                SessionOrder::CloseUnauthenticated if self.credentials.is_counted() => {}
                SessionOrder::CloseUnauthenticated => {
                    return self.close(
                        CloseCode::PolicyViolation,
                        "no valid token holds this connection: join sooner, or on fewer",
                    );
                }
                SessionOrder::CloseOverflowed => return Next::Stop,
            }
        }
        Next::Go
    }

    /// The reader is too slow: topics stopped at one point, from where the client resumes.
    fn resume_all(&mut self) {
        self.realtime.hub.metrics.slow_consumers.increment(1);
        self.end_all(RESUME);
        self.connection.mailbox.resume_topics();
    }

    fn superseded(&mut self) {
        tracing::debug!(connection = self.connection.id, "superseded by a newer connection");
        self.credentials.superseded(&self.realtime, self.connection.id);
        for channel in std::mem::take(&mut self.channels) {
            channel.end(&self.realtime.hub);
            self.close_channel(&channel, "");
        }
    }

    /// Sends that a channel has ended for good.
    fn close_channel(&self, channel: &Channel, reason: &str) {
        self.queue(wire::close(self.dialect, channel.join_ref.as_deref(), &channel.topic, reason));
    }

    /// Checks for silence and a stalled reader.
    fn look(&mut self) -> Next {
        self.count_frames();
        if self.heard.elapsed() >= self.realtime.settings.receive_timeout {
            return self.close(CloseCode::PolicyViolation, "silent for too long: send heartbeats");
        }
        if self.is_stalled() {
            tracing::debug!(connection = self.connection.id, "the peer does not read from this connection");
            self.connection.mailbox.close();
            return Next::Stop;
        }
        self.look_at_token();
        self.look_plainly()
    }

    /// Whether frames are queued and none has left for long.
    fn is_stalled(&mut self) -> bool {
        let mailbox = &self.connection.mailbox;
        if mailbox.is_empty() {
            self.looked.stands = None;
            return false;
        }
        let sent = mailbox.sent();
        match self.looked.stands {
            Some((before, since)) if before == sent => since.elapsed() >= UNREAD,
            Some(_) | None => {
                self.looked.stands = Some((sent, Instant::now()));
                false
            }
        }
    }

    fn spend(&mut self, is_control: bool) -> Next {
        match self.budget.spend(is_control, Instant::now()) {
            BudgetVerdict::Pass | BudgetVerdict::Refuse(_) => Next::Go,
            BudgetVerdict::Close => self.close_flooding(),
        }
    }

    fn close_flooding(&self) -> Next {
        self.close(CloseCode::PolicyViolation, "too many frames: send fewer")
    }

    fn close(&self, code: CloseCode, reason: &str) -> Next {
        self.queue(Frame::close(code, reason));
        Next::Stop
    }

    fn end_all(&mut self, reason: &str) {
        for channel in std::mem::take(&mut self.channels) {
            self.end_for_rejoin(&channel, reason);
        }
    }

    fn end_for_rejoin(&mut self, channel: &Channel, reason: &str) {
        channel.end(&self.realtime.hub);
        self.owe(channel);
        self.queue(wire::error(self.dialect, channel.join_ref.as_deref(), &channel.topic, reason));
    }

    fn reply(&self, push: &Push<'_>, status: &str, response: &str) {
        if let Some(frame) = self.reply_frame(push, status, response) {
            self.queue(frame);
        }
    }

    fn queue(&self, frame: Frame) {
        self.connection.push(frame, FrameClass::Control);
    }

    fn locale(&self) -> Locale {
        self.credentials.locale()
    }

    fn count_frames(&mut self) {
        let sent = self.connection.mailbox.sent();
        let more = sent.saturating_sub(self.looked.counted);
        self.looked.counted = sent;
        self.realtime.hub.metrics.frames(self.dialect).sent.increment(more);
    }
}

/// Cleans up however the session ends.
impl<S: Socket> Drop for Session<S> {
    fn drop(&mut self) {
        for channel in &self.channels {
            channel.end(&self.realtime.hub);
        }
        self.credentials.close(&self.realtime, self.connection.id);
        self.connection.mailbox.finish();
        self.count_frames();
        self.realtime.open_connections.lock().remove(&self.connection.id);
        self.realtime.hub.metrics.connections.decrement(1.0);
    }
}
