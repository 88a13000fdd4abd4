//! Parts of the plain dialect and Socket.IO that Phoenix does not have: own topics joined on connect, pings of the
//! server, and messages about the connection.

use std::time::Duration;

use guichet_base::{Actor, Error, ErrorKind, Result};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::budget::BudgetVerdict;
use super::channel::Channel;
use super::config::JoinConfig;
use super::{Next, Session};
use crate::session::socket::Socket;
use crate::wire::error_payload;
use crate::wire::frame::{CloseCode, Frame};
use crate::wire::{self, Dialect, Family, Malformed, Payload, Push, Verb, socketio};

const PING_EVERY: Duration = Duration::from_secs(30);
const CONNECT_WITHIN: Duration = Duration::from_secs(20);
const SUPERSEDED: &str = "a newer connection of yours took this one's place: do not reconnect";

/// The state of a connection in these dialects.
pub(super) struct Plain {
    /// The tenant in the path.
    place: Option<Box<str>>,
    /// `None` in Phoenix, whose clients send heartbeats.
    ping_at: Option<Instant>,
    /// Until Socket.IO's namespace is connected.
    pub connect_by: Option<Instant>,
    own: Own,
}

/// The state of the person's own topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Own {
    Settled,
    /// To be joined as soon as the queue has room.
    Owed,
    /// To be retried at the next check: the service was unavailable.
    Later,
}

impl Plain {
    pub fn new(dialect: Dialect, place: Option<Box<str>>, now: Instant) -> Self {
        Self {
            place,
            ping_at: every(dialect).map(|every| now + every),
            connect_by: (dialect == Dialect::SocketIo).then(|| now + CONNECT_WITHIN),
            own: Own::Settled,
        }
    }

    /// When something is due.
    pub fn deadline(&self) -> Option<Instant> {
        match (self.ping_at, self.connect_by) {
            (Some(ping), Some(connect)) => Some(ping.min(connect)),
            (one, other) => one.or(other),
        }
    }
}

fn every(dialect: Dialect) -> Option<Duration> {
    match dialect.family() {
        Family::Phoenix => None,
        Family::Plain => Some(PING_EVERY),
        Family::SocketIo => Some(Duration::from_millis(socketio::PING_MILLIS)),
    }
}

/// On connect.
impl<S: Socket> Session<S> {
    /// Handles the connection before its first frame.
    pub(super) async fn greet(&mut self) -> Next {
        if self.dialect == Dialect::SocketIo {
            let sid = uuid::Uuid::new_v4().simple().to_string();
            self.queue(socketio::open(&sid, self.realtime.settings.max_frame_bytes));
            return Next::Go;
        }
        let presented = self.present_tokens().await;
        if self.dialect.is_phoenix() {
            return Next::Go;
        }
        match presented {
            Ok(true) => self.join_own_topics().await,
            // The token may come in a frame.
            Ok(false) => {}
            Err(error) => {
                self.notice("error", &error_payload::command_error(&error, self.locale()));
                return self.turn_away(&error);
            }
        }
        Next::Go
    }

    pub(super) fn turn_away(&self, error: &Error) -> Next {
        match error.kind() {
            ErrorKind::Unavailable => {
                self.close(CloseCode::ServiceRestart, "not able to serve now: reconnect later")
            }
            _ => self.close(CloseCode::PolicyViolation, "no valid token: connect again with one"),
        }
    }

    /// Checks that the actor belongs to the tenant in the path.
    pub(super) async fn may_enter(&self, actor: &Actor) -> Result<()> {
        match &self.plain.place {
            Some(tenant) => self.realtime.backend.authorize_tenant(actor, tenant).await,
            None => Ok(()),
        }
    }

    /// `access_token`: renews in place, and replies if asked to. An invalid token changes nothing.
    pub(super) async fn renew_plainly(&mut self, push: &Push<'_>, payload: &RawValue) {
        let payload: Value = serde_json::from_str(&self.incoming_payload(push, payload)).unwrap_or_default();
        let token = ["access_token", "token"].iter().find_map(|key| payload.get(key)?.as_str());
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return self.refuse(push, &Error::invalid("access_token", "missing"));
        };
        match self.take_token(token).await {
            Ok(()) => {
                self.count_in().await;
                self.reply(push, "ok", "{}");
            }
            Err(error) => self.refuse(push, &error),
        }
    }

    /// Counts the connection for its person and joins their own topics.
    pub(super) async fn count_in(&mut self) {
        let is_new = self.credentials.enter(&self.realtime, &self.connection);
        if is_new && !self.dialect.is_phoenix() {
            self.join_own_topics().await;
        }
    }
}

/// Own topics.
impl<S: Socket> Session<S> {
    /// Joins own topics without a reply.
    pub(super) async fn join_own_topics(&mut self) {
        self.plain.own = Own::Settled;
        let Some(actor) = self.credentials.actor() else { return };
        for topic in self.realtime.backend.own_topics(&actor) {
            if self.channels.iter().any(|channel| *channel.topic == *topic) {
                continue;
            }
            let push = Push {
                verb: Verb::Join,
                join_ref: None,
                // No reply is expected.
                reference: None,
                topic: topic.into(),
                event: "join".into(),
                payload: Payload::Raw,
                persist: false,
            };
            let config = JoinConfig { ack: true, unasked: true, ..JoinConfig::default() };
            if let Err(error) = self.subscribe(&push, config, actor.clone()).await {
                tracing::debug!(%error, topic = &*push.topic, "an own topic was not joined");
                if error.kind() == ErrorKind::Unavailable {
                    self.plain.own = Own::Later;
                }
            }
        }
        // The backlog comes before the reply to the first frame.
        if self.connection.mailbox.request_room() {
            self.send_page().await;
        }
    }

    /// Marks an own topic that ended, which clients do not join themselves.
    pub(super) fn owe(&mut self, channel: &Channel) {
        if self.dialect.is_phoenix() {
            return;
        }
        let is_own = self.credentials.actor().is_some_and(|actor| {
            self.realtime.backend.own_topics(&actor).iter().any(|topic| **topic == *channel.topic)
        });
        if is_own {
            self.plain.own = Own::Owed;
        }
    }

    pub(super) fn owes_topics(&self) -> bool {
        self.plain.own == Own::Owed
    }

    /// Continues what waited for room in the queue: own topics to join again, then missed events.
    pub(super) async fn go_on(&mut self) {
        if self.owes_topics() {
            self.join_own_topics().await;
        } else {
            self.send_page().await;
        }
    }
}

/// Messages without a request.
impl<S: Socket> Session<S> {
    /// A message about the connection. Phoenix has no frame for it.
    pub(super) fn notice(&self, event: &str, payload: &str) {
        if let Some(frame) = wire::notice(self.dialect, event, &self.spelt(event, payload)) {
            self.queue(frame);
        }
    }

    /// An error to the sender of `push`, also if no reply was asked for.
    pub(super) fn refuse(&self, push: &Push<'_>, error: &Error) {
        let body = error_payload::command_error(error, self.locale());
        if self.dialect.is_phoenix() || push.reference.is_some() {
            self.reply(push, "error", &body);
        } else {
            self.notice("error", &body);
        }
    }

    /// A malformed frame is dropped; Phoenix clients get no error, since some would join again.
    pub(super) fn malformed(&mut self, malformed: &Malformed) -> Next {
        tracing::debug!(connection = self.connection.id, %malformed, "a frame was dropped");
        match self.budget.spend(false, Instant::now()) {
            BudgetVerdict::Pass => {
                self.notice("error", &error_payload::malformed_error(malformed.0, self.locale()))
            }
            BudgetVerdict::Refuse(_) => {}
            BudgetVerdict::Close => return self.close_flooding(),
        }
        Next::Go
    }

    /// Ends the channels of an expired token, with one message.
    pub(super) fn end_with_notice(&mut self, error: &Error) {
        for channel in std::mem::take(&mut self.channels) {
            channel.end(&self.realtime.hub);
        }
        self.plain.own = Own::Settled;
        self.notice("error", &error_payload::command_error(error, self.locale()));
    }

    pub(super) fn close_superseded(&self) -> Next {
        if self.dialect == Dialect::SocketIo {
            self.queue(socketio::disconnect());
        }
        self.close(CloseCode::Superseded, SUPERSEDED)
    }

    /// Checks the deadlines of this dialect.
    pub(super) fn look_plainly(&mut self) -> Next {
        let now = Instant::now();
        if self.plain.connect_by.is_some_and(|by| by <= now) {
            return self.close(CloseCode::PolicyViolation, "no CONNECT came within 20 seconds");
        }
        if self.plain.own == Own::Later {
            self.plain.own = Own::Owed;
        }
        if self.plain.ping_at.is_some_and(|at| at <= now) {
            self.plain.ping_at = every(self.dialect).map(|every| now + every);
            self.queue(if self.dialect == Dialect::SocketIo { socketio::ping() } else { Frame::ping() });
        }
        Next::Go
    }
}
