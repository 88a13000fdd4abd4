//! The actor of a connection, and the expiry of its token.
//!
//! A connection belongs to one person: while it has channels, only a newer token of the same person is accepted. It
//! counts for that person from a valid token on, until the token expires or newer connections supersede it. All other
//! connections count as unauthenticated, so that every connection is counted.

use std::sync::Arc;
use std::time::Duration;

use guichet_base::id::{TenantId, UserId};
use guichet_base::{Actor, Clock, Error, ErrorKind, Locale, Result, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::Session;
use crate::Realtime;
use crate::backend::{Credential, PeerInfo};
use crate::hub::connection::Connection;
use crate::session::socket::Socket;
use crate::wire::error_payload;
use crate::wire::{self, Payload, Push};

/// How long before its expiry a token's holder is notified.
const NOTICE: Duration = Duration::from_secs(60);

pub(super) struct Credentials {
    peer: PeerInfo,
    presented: Vec<SecretString>,
    held: Option<CurrentCredential>,
    /// The actor that the connection is counted for.
    counted: Option<Arc<Actor>>,
}

fn person(actor: &Actor) -> (TenantId, UserId) {
    (actor.tenant, actor.user)
}

struct CurrentCredential {
    actor: Arc<Actor>,
    expires_at: Option<Timestamp>,
    /// Hash of the token, so that the same one is not verified for every join.
    digest: [u8; 32],
    noticed: bool,
}

impl CurrentCredential {
    fn next_at(&self) -> Option<Timestamp> {
        let end = self.expires_at?;
        Some(if self.noticed { end } else { end.minus(NOTICE) })
    }
}

impl Credentials {
    pub fn new(presented: Vec<SecretString>, peer: PeerInfo) -> Self {
        Self { peer, presented, held: None, counted: None }
    }

    pub fn locale(&self) -> Locale {
        self.held.as_ref().map_or(self.peer.locale, |held| held.actor.locale)
    }

    pub fn actor(&self) -> Option<Arc<Actor>> {
        self.held.as_ref().map(|held| Arc::clone(&held.actor))
    }

    /// Updates the actor after a renewal.
    pub fn is_now(&mut self, actor: Actor) -> Arc<Actor> {
        let actor = Arc::new(actor);
        if let Some(held) = &mut self.held {
            held.actor = Arc::clone(&actor);
        }
        actor
    }

    /// When the token needs a notice or has expired.
    pub fn deadline(&self, clock: &Clock) -> Option<Instant> {
        let at = self.held.as_ref()?.next_at()?;
        let millis = at.as_millis().saturating_sub(clock.now().as_millis());
        Instant::now().checked_add(Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
    }

    /// The connection was superseded by a newer one, and does not count for its person until it joins again.
    pub fn superseded(&mut self, realtime: &Realtime, connection: u64) {
        self.uncount(realtime, connection);
        realtime.add_unauthenticated(connection);
    }

    /// Forgets the credential: the connection acts for no one.
    pub fn forget(&mut self, realtime: &Realtime, connection: u64) {
        self.uncount(realtime, connection);
        self.held = None;
        realtime.add_unauthenticated(connection);
    }

    /// The connection has ended.
    pub fn close(&mut self, realtime: &Realtime, connection: u64) {
        self.uncount(realtime, connection);
        realtime.remove_unauthenticated(connection);
    }

    pub fn is_counted(&self) -> bool {
        self.counted.is_some()
    }

    /// The hub may have superseded the connection already, which this session only learns from an order.
    fn uncount(&mut self, realtime: &Realtime, connection: u64) {
        if let Some(actor) = self.counted.take() {
            realtime.hub.remove_connection(person(&actor), connection);
            realtime.backend.connection_closed(&actor);
        }
    }

    /// Counts the connection for its actor. Returns whether it did not count before.
    pub fn enter(&mut self, realtime: &Realtime, connection: &Arc<Connection>) -> bool {
        let Some(held) = &self.held else { return false };
        let actor = Arc::clone(&held.actor);
        if self.counted.as_ref().is_some_and(|counted| person(counted) == person(&actor)) {
            return false;
        }
        self.uncount(realtime, connection.id);
        realtime.remove_unauthenticated(connection.id);
        realtime.hub.add_connection(person(&actor), connection, realtime.settings.connections_per_person);
        realtime.backend.connection_opened(&actor);
        self.counted = Some(actor);
        true
    }

    fn hold(&mut self, credential: Credential, digest: [u8; 32]) {
        let Credential { actor, expires_at } = credential;
        self.held = Some(CurrentCredential { actor: Arc::new(actor), expires_at, digest, noticed: false });
    }
}

impl<S: Socket> Session<S> {
    /// Verifies the tokens of the request. Returns whether there is a valid one, or why none is. (Phoenix clients get
    /// the error at the join, where they expect it.)
    pub(super) async fn present_tokens(&mut self) -> Result<bool> {
        let mut refusal = None;
        for token in std::mem::take(&mut self.credentials.presented) {
            match self.take_token(token.expose_secret()).await {
                Ok(()) => {
                    self.credentials.enter(&self.realtime, &self.connection);
                    return Ok(true);
                }
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        refusal.map_or(Ok(false), Err)
    }

    /// The actor of a join that brings `token`, or none.
    pub(super) async fn admit(&mut self, token: Option<&str>) -> Result<Arc<Actor>> {
        // `sb_…` is an API key of Supabase's, not a token: the connection's own credential is used.
        if let Some(token) = token.filter(|token| !token.is_empty() && !token.starts_with("sb_")) {
            self.take_token(token).await?;
        }
        let actor = self.credentials.actor().ok_or_else(Error::unauthenticated)?;
        self.count_in().await;
        Ok(actor)
    }

    /// Replaces the current token, if the new one is valid and of the same person.
    pub(super) async fn take_token(&mut self, token: &str) -> Result<()> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if self.credentials.held.as_ref().is_some_and(|held| held.digest == digest) {
            return Ok(());
        }
        let turn = self.realtime.join_limiter.acquire().await?;
        let credential = self.realtime.backend.authenticate(token, self.credentials.peer).await?;
        drop(turn);
        if credential.expires_at.is_some_and(|end| end <= self.realtime.clock.now()) {
            return Err(Error::new(ErrorKind::Unauthenticated, "TOKEN_EXPIRED"));
        }
        self.may_enter(&credential.actor).await?;
        let held = self.credentials.held.as_ref();
        let is_another = held.is_some_and(|held| person(&held.actor) != person(&credential.actor));
        if is_another && !self.channels.is_empty() {
            return Err(Error::forbidden());
        }
        self.credentials.hold(credential, digest);
        self.ask_rights_again();
        Ok(())
    }

    /// `access_token`: renews in place, without a reply. An invalid token ends its channel with `phx_error`, after
    /// which clients come back with a better one.
    pub(super) async fn renew(&mut self, push: &Push<'_>) {
        let Payload::Json(payload) = push.payload else { return };
        if !self.dialect.is_phoenix() {
            return self.renew_plainly(push, payload).await;
        }
        let payload: Value = serde_json::from_str(payload.get()).unwrap_or_default();
        let Some(token) = payload.get("access_token").and_then(Value::as_str) else { return };
        if token.is_empty() || token.starts_with("sb_") {
            return;
        }
        let Err(error) = self.take_token(token).await else { return self.renew_reach().await };
        let reason = error_payload::reason(&error, self.locale());
        if let Some(at) = self.channels.iter().position(|channel| *channel.topic == *push.topic)
            && self.channels.get(at).is_some_and(|channel| channel.is_current(push))
        {
            let channel = self.channels.swap_remove(at);
            self.end_for_rejoin(&channel, &reason);
        }
    }

    /// Sends the notice of an expiring token, and ends the channels of an expired one.
    pub(super) fn look_at_token(&mut self) {
        let now = self.realtime.clock.now();
        let Some(held) = &mut self.credentials.held else { return };
        let Some(end) = held.expires_at else { return };
        if now >= end {
            let error = Error::new(ErrorKind::Unauthenticated, "TOKEN_EXPIRED");
            let reason = error_payload::reason(&error, self.locale());
            if self.dialect.is_phoenix() {
                self.end_all(&reason);
            } else {
                self.end_with_notice(&error);
            }
            self.credentials.forget(&self.realtime, self.connection.id);
        } else if now >= end.minus(NOTICE) && !held.noticed {
            held.noticed = true;
            self.notice_expiry(end);
        }
    }

    /// `system` with status ok: status error would make some clients join again at once.
    fn notice_expiry(&self, end: Timestamp) {
        if !self.dialect.is_phoenix() {
            return self.notice("token:expiring", &json!({ "expires_at": end }).to_string());
        }
        for channel in &self.channels {
            let payload = json!({"extension": "system", "status": "ok", "channel": channel.bare(),
                "message": "the token expires within 60 seconds: push access_token"});
            self.queue(wire::push(self.dialect, None, None, &channel.topic, "system", &payload.to_string()));
        }
    }
}
