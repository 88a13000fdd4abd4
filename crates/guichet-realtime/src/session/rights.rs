//! Rights that change while a connection is open.
//!
//! - A join is live only after it was authorized, and counts for its person before that. So a change that takes the
//!   right away either commits before the authorization, which then refuses; or after it, and then the order to
//!   authorize again finds the connection, and is executed after the join, since a session does one thing at a time.
//! - A channel without a right ends with `phx_close`, for good; the others continue.
//! - For a deleted person or a revoked token, every channel ends with `phx_error`, so that a newer token can come
//!   back.
//! - While the service cannot answer, it is asked again for [`PATIENCE`]; then the channel ends with `phx_error`, and
//!   the client joins again.

use std::sync::Arc;
use std::time::Duration;

use guichet_base::{Error, ErrorKind};
use tokio::time::{Instant, timeout_at};

use super::Session;
use crate::hub::connection::JoinId;
use crate::session::socket::Socket;
use crate::wire;
use crate::wire::error_payload;

/// How long a subscription stays while the service cannot authorize it.
const PATIENCE: Duration = Duration::from_secs(10);
/// Delay between attempts.
const AGAIN: Duration = Duration::from_millis(500);
/// Delay between checks that the client causes with new tokens: each costs a query per channel.
const OWN_ACCORD: Duration = Duration::from_secs(5);

/// When to authorize the channels again.
#[derive(Default)]
pub(super) struct Recheck {
    due: Option<RecheckDue>,
    /// The last check.
    asked: Option<Instant>,
}

#[derive(Clone, Copy)]
struct RecheckDue {
    /// The oldest change that has not been checked.
    since: Instant,
    at: Instant,
}

impl Recheck {
    /// Something changed: check as soon as possible.
    pub fn ask(&mut self, now: Instant) {
        let since = self.due.map_or(now, |due| due.since.min(now));
        self.due = Some(RecheckDue { since, at: now });
    }

    /// The client gave a reason to check: not too often.
    pub fn ask_in_time(&mut self, now: Instant) {
        if self.due.is_none() {
            let at = self.asked.map_or(now, |asked| now.max(asked + OWN_ACCORD));
            self.due = Some(RecheckDue { since: at, at });
        }
    }

    fn begin(&mut self, now: Instant) -> Option<RecheckDue> {
        self.asked = Some(now);
        self.due.take()
    }

    /// When to check, if at all.
    pub fn at(&self) -> Option<Instant> {
        self.due.map(|due| due.at)
    }

    pub fn is_due(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| due.at <= now)
    }
}

/// The result of a check.
enum RecheckOutcome {
    Answered,
    /// Some channels got no answer and stay marked.
    Unanswered,
    Gone(Error),
}

impl<S: Socket> Session<S> {
    /// Authorizes the channels again, and ends those without a right.
    pub(super) async fn check_rights(&mut self) {
        let Some(due) = self.recheck.begin(Instant::now()) else { return };
        let limit = due.since + PATIENCE;
        // Leaves time for at least one attempt, however late the check is.
        let patience = limit.max(Instant::now() + AGAIN);
        // Row changes are authorized separately; a channel for row changes only has no topic to authorize.
        let of_topics = self.channels.iter().filter(|channel| !channel.is_changes_only);
        let mut unasked: Vec<_> = of_topics.map(|channel| channel.id).collect();
        let outcome = timeout_at(patience, self.ask_rights(&mut unasked)).await;
        match outcome.unwrap_or(RecheckOutcome::Unanswered) {
            RecheckOutcome::Answered => self.renew_reach().await,
            RecheckOutcome::Gone(error) => self.revoked(&error),
            RecheckOutcome::Unanswered if Instant::now() < limit => {
                self.recheck.due = Some(RecheckDue { since: due.since, at: Instant::now() + AGAIN });
            }
            RecheckOutcome::Unanswered => {
                tracing::warn!(
                    connection = self.connection.id,
                    "rights could not be asked; its channels end"
                );
                for id in unasked {
                    if let Some(at) = self.channels.iter().position(|channel| channel.id == id) {
                        let channel = self.channels.swap_remove(at);
                        self.end_for_rejoin(&channel, super::RESUME);
                    }
                }
            }
        }
    }

    /// Removes the channels from `unasked` that got an answer.
    async fn ask_rights(&mut self, unasked: &mut Vec<JoinId>) -> RecheckOutcome {
        let Some(actor) = self.credentials.actor() else {
            unasked.clear();
            return RecheckOutcome::Answered;
        };
        let backend = Arc::clone(&self.realtime.backend);
        let actor = match backend.renew(&actor).await {
            Ok(actor) => self.credentials.is_now(actor),
            Err(error) if error.kind() == ErrorKind::Unauthenticated => return RecheckOutcome::Gone(error),
            Err(_) => return RecheckOutcome::Unanswered,
        };
        for id in unasked.clone() {
            let Some(at) = self.channels.iter().position(|channel| channel.id == id) else { continue };
            let Some(channel) = self.channels.get(at) else { continue };
            match backend.reauthorize(&actor, channel.bare()).await {
                Ok(()) => {}
                Err(error) if is_answer(&error) => self.close_refused(at, &error),
                Err(_) => continue,
            }
            unasked.retain(|other| *other != id);
        }
        if unasked.is_empty() { RecheckOutcome::Answered } else { RecheckOutcome::Unanswered }
    }

    fn close_refused(&mut self, at: usize, error: &Error) {
        let channel = self.channels.swap_remove(at);
        channel.end(&self.realtime.hub);
        let reason = error_payload::reason(error, self.locale());
        let payload = serde_json::json!({ "reason": reason }).to_string();
        let join_ref = channel.join_ref.as_deref();
        self.queue(wire::push(self.dialect, join_ref, join_ref, &channel.topic, "phx_close", &payload));
    }

    fn revoked(&mut self, error: &Error) {
        tracing::debug!(connection = self.connection.id, %error, "the actor of this connection lost its rights");
        let error = Error::new(ErrorKind::Unauthenticated, "TOKEN_REVOKED");
        let reason = error_payload::reason(&error, self.locale());
        self.end_all(&reason);
        self.credentials.forget(&self.realtime, self.connection.id);
    }

    /// Another token may have another role.
    pub(super) fn ask_rights_again(&mut self) {
        if !self.channels.is_empty() {
            self.recheck.ask_in_time(Instant::now());
        }
    }
}

/// Whether the error is a refusal, rather than a missing answer.
fn is_answer(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::NotFound | ErrorKind::Unauthenticated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_change_does_not_put_off_the_end_of_patience() {
        let (now, mut recheck) = (Instant::now(), Recheck::default());
        assert!(!recheck.is_due(now) && recheck.at().is_none());
        recheck.ask(now);
        recheck.ask(now + AGAIN);
        assert!(!recheck.is_due(now) && recheck.is_due(now + AGAIN));
        assert_eq!(recheck.due.map(|due| due.since), Some(now));
    }

    #[test]
    fn a_client_that_changes_tokens_all_the_time_has_its_rights_read_now_and_then() {
        let (now, mut recheck) = (Instant::now(), Recheck::default());
        recheck.ask_in_time(now);
        assert!(recheck.is_due(now) && recheck.begin(now).is_some());
        recheck.ask_in_time(now + AGAIN);
        assert_eq!(recheck.at(), Some(now + OWN_ACCORD));
        recheck.ask(now + AGAIN);
        assert!(recheck.is_due(now + AGAIN), "a change does not wait for it");
    }
}
