//! Row changes of a join: its bindings, its read scope, and channels for nothing else.

use std::sync::Arc;

use guichet_base::{Actor, Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::Session;
use super::channel::Channel;
use super::config::JoinConfig;
use crate::backend::GrantWithBacklog;
use crate::row_changes::{Binding, Listener};
use crate::session::socket::Socket;
use crate::wire;
use crate::wire::error_payload;
use crate::wire::frame::Frame;

/// Bindings of all channels of a connection: each is tested for every change that may match.
const MAX_BINDINGS: usize = 200;
/// Patterns in all bindings, since each costs more than a comparison.
const MAX_PATTERNS: usize = 8;

/// The grant of a join, and whether it is for row changes only: front ends written against Supabase name the channels
/// of their row changes freely.
pub(super) fn granted(
    authorized: Result<GrantWithBacklog>,
    config: &mut JoinConfig,
) -> Result<(GrantWithBacklog, bool)> {
    match authorized {
        Err(error) if error.kind() == ErrorKind::NotFound && !config.bindings.is_empty() => {
            config.presence = false;
            Ok((GrantWithBacklog::default(), true))
        }
        authorized => authorized.map(|waiting| (waiting, false)),
    }
}

impl<S: Socket> Session<S> {
    /// The requested bindings; an error names the one that is wrong.
    pub(super) fn bindings(&self, asked: &[Value]) -> Result<Vec<Binding>> {
        let bindings = Binding::parse_all(self.realtime.hub.changes.tables(), asked)?;
        let held = self.channels.iter().map(|channel| self.realtime.hub.changes.weight(channel.id));
        let asked = (bindings.len(), bindings.iter().map(Binding::patterns).sum::<usize>());
        let (count, patterns) = held.fold(asked, |sum, held| (sum.0 + held.0, sum.1 + held.1));
        let why = if patterns > MAX_PATTERNS {
            format!("a connection has at most {MAX_PATTERNS} patterns (like, ilike, match, imatch)")
        } else if count > MAX_BINDINGS {
            format!("a connection has at most {MAX_BINDINGS} bindings")
        } else {
            return Ok(bindings);
        };
        Err(Error::new(ErrorKind::Validation, "INVALID_BINDING")
            .with_arg("binding", "postgres_changes")
            .with_arg("why", why))
    }

    /// Subscribes from now on; changes are buffered until the listener goes live. Ends with its channel.
    pub(super) async fn listen(
        &self,
        channel: Option<&Channel>,
        actor: &Actor,
        bindings: Vec<Binding>,
    ) -> Result<Option<Arc<Listener>>> {
        let Some(channel) = channel.filter(|_| !bindings.is_empty()) else { return Ok(None) };
        let reach = self.realtime.backend.read_scopes(actor).await?;
        let (connection, dialect) = (Arc::clone(&self.connection), channel.shape.dialect);
        let listener =
            Listener::new(channel.id, channel.tenant, connection, &channel.topic, dialect, bindings);
        let listener = Arc::new(listener);
        self.realtime.hub.changes.listen(&listener, reach);
        Ok(Some(listener))
    }

    /// Loads the person's read scope again for all listening channels. Called when their rights may have changed. If
    /// that fails, these channels end, and their joins are authorized again.
    pub(super) async fn renew_reach(&mut self) {
        let changes = &self.realtime.hub.changes;
        let (listening, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.channels).into_iter().partition(|channel| changes.hears(channel.id));
        self.channels = others;
        if listening.is_empty() {
            return;
        }
        match self.reach().await {
            Ok(reach) => {
                for channel in listening {
                    self.realtime.hub.changes.reach_anew(channel.id, reach.clone());
                    self.channels.push(channel);
                }
            }
            Err(error) => {
                let reason = error_payload::reason(&error, self.locale());
                for channel in listening {
                    self.end_for_rejoin(&channel, &reason);
                }
            }
        }
    }

    async fn reach(&self) -> Result<Vec<crate::ReadScope>> {
        let actor = self.credentials.actor().ok_or_else(Error::unauthenticated)?;
        self.realtime.backend.read_scopes(&actor).await
    }

    /// The message by which Supabase's clients know that row changes are live.
    pub(super) fn subscribed_to_changes(&self, topic: &str) -> Frame {
        let payload = json!({"extension": "postgres_changes", "status": "ok", "channel": wire::bare(topic),
            "message": "Subscribed to PostgreSQL"});
        wire::push(self.dialect, None, None, topic, "system", &payload.to_string())
    }
}
