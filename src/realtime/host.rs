//! What the socket layer asks of the service. `app` implements it over identity and the features; tests do too.

use std::net::IpAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

use crate::base::{Actor, Locale, Result, Timestamp};

/// Where a connection comes from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Peer {
    pub ip: Option<IpAddr>,
    /// The language of refusals before anybody is known.
    pub locale: Locale,
}

/// A verified token.
#[derive(Debug, Clone)]
pub struct Credential {
    pub actor: Actor,
    pub expires_at: Option<Timestamp>,
}

/// The right to hear a topic, and where the topic stands.
#[derive(Debug, Clone, Default)]
pub struct Grant {
    /// The number of the topic's last durable event, 0 before the first; `None` for a topic without numbers.
    ///
    /// Must be read after `authorize` was called: the subscription is open by then, and whatever commits later
    /// reaches it.
    pub head: Option<i64>,
    /// Merged into the join's ok reply.
    pub extra: Map<String, Value>,
}

/// Durable events of a topic up to `up_to` were handed to a socket of `actor`.
#[derive(Debug, Clone)]
pub struct Receipt {
    pub actor: Arc<Actor>,
    pub topic: Box<str>,
    pub up_to: i64,
}

pub trait Host: Send + Sync + 'static {
    fn authenticate<'a>(&'a self, token: &'a str, peer: Peer) -> BoxFuture<'a, Result<Credential>>;

    /// Whether `actor` may hear `topic` (the bare name). `after` is the time a resuming client gave, for topics
    /// without numbers, whose `Grant::extra` says what moved since.
    fn authorize<'a>(
        &'a self,
        actor: &'a Actor,
        topic: &'a str,
        after: Option<Timestamp>,
    ) -> BoxFuture<'a, Result<Grant>>;

    /// Topics (bare names) that are `actor`'s own: dialects without joins hear them from the connect on.
    fn own_topics(&self, actor: &Actor) -> Vec<String>;

    /// Whether `actor` may connect where `tenant`, an id as somebody wrote it, is said to live.
    fn may_enter<'a>(&'a self, actor: &'a Actor, tenant: &'a str) -> BoxFuture<'a, Result<()>>;

    /// Runs a command to its end; what it returns is the reply.
    fn command<'a>(&'a self, actor: &'a Actor, name: &'a str, payload: Value)
    -> BoxFuture<'a, Result<Value>>;

    fn is_command(&self, name: &str) -> bool;

    /// Whether the service itself emits `event`, so that no person may.
    fn is_reserved(&self, event: &str) -> bool;

    /// A connection of `actor` counts from now on.
    fn opened(&self, actor: &Actor);

    /// A connection of `actor` counts no more.
    fn closed(&self, actor: &Actor);

    /// Told a few times a second at most, with the newest number of each person and topic alone.
    fn delivered(&self, receipts: Vec<Receipt>) -> BoxFuture<'_, ()>;
}
