//! What the socket layer asks of the service. `app` implements it over identity and the features; tests do too.

use std::net::IpAddr;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use guichet_base::id::{TenantId, UserId};
use guichet_base::role::UserType;
use guichet_base::{Actor, Locale, Result, Timestamp};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use uuid::Uuid;

pub use crate::hub::audience::{Audience, Ranks, Visibility};
use crate::hub::event::Event;
use crate::row_changes::{ReadScope, RowChange};

/// Where a connection comes from.
#[derive(Debug, Clone, Copy, Default)]
pub struct PeerInfo {
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
pub struct TopicGrant {
    /// The number of the topic's last durable event, 0 before the first; `None` for a topic without numbers.
    ///
    /// Must be read after `authorize` was called: the subscription is open by then, and whatever commits later
    /// reaches it.
    pub head: Option<i64>,
    /// Merged into the join's ok reply.
    pub extra: Map<String, Value>,
    /// Whom `presence_state` and `presence_diff` show to this subscriber.
    pub sees: Visibility,
}

/// A grant, and what waits at the topic.
#[derive(Debug, Default)]
pub struct GrantWithBacklog {
    pub grant: TopicGrant,
    pub events: Vec<Event>,
}

impl From<TopicGrant> for GrantWithBacklog {
    fn from(grant: TopicGrant) -> Self {
        Self { grant, events: Vec::new() }
    }
}

/// Who is told of a person's presence.
#[derive(Debug, Clone)]
pub struct PresenceAudience {
    pub user: UserId,
    pub user_type: UserType,
    /// Topics where the person appears by being connected.
    pub homes: Vec<Box<str>>,
    /// Topics that hear `presence:update`, and which of their subscribers.
    pub told: Vec<(Box<str>, Audience)>,
}

/// Durable events of a topic up to `up_to` were handed to a socket of `actor`.
#[derive(Debug, Clone)]
pub struct DeliveryReceipt {
    pub actor: Arc<Actor>,
    pub topic: Box<str>,
    pub up_to: i64,
}

/// A broadcast that was kept: where it stands in its topic.
#[derive(Debug, Clone, Copy)]
pub struct PersistedBroadcast {
    pub id: Uuid,
    pub seq: i64,
}

pub trait SocketBackend: Send + Sync + 'static {
    fn authenticate<'a>(&'a self, token: &'a str, peer: PeerInfo) -> BoxFuture<'a, Result<Credential>>;

    /// Whether `actor` may hear `topic` (the bare name). `after` is the time a resuming client gave, for topics
    /// without numbers, whose `TopicGrant::extra` says what moved since.
    fn authorize<'a>(
        &'a self,
        actor: &'a Actor,
        topic: &'a str,
        after: Option<Timestamp>,
    ) -> BoxFuture<'a, Result<TopicGrant>>;

    /// Topics (bare names) that are `actor`'s own: dialects without joins hear them from the connect on.
    fn own_topics(&self, actor: &Actor) -> Vec<String>;

    /// The same as `authorize` for an own topic that nobody asked to join, and what its person finds there: events of
    /// before the grant's head, in the order in which they are told.
    fn authorize_own<'a>(
        &'a self,
        actor: &'a Actor,
        topic: &'a str,
    ) -> BoxFuture<'a, Result<GrantWithBacklog>> {
        async move { self.authorize(actor, topic, None).await.map(GrantWithBacklog::from) }.boxed()
    }

    /// Whether `actor` may connect where `tenant`, an id as somebody wrote it, is said to live.
    fn may_enter<'a>(&'a self, actor: &'a Actor, tenant: &'a str) -> BoxFuture<'a, Result<()>>;

    /// Who `actor` is by now. Errors: of kind `Unauthenticated` when they act no more.
    fn renew<'a>(&'a self, actor: &'a Actor) -> BoxFuture<'a, Result<Actor>>;

    /// Whether `actor`, who joined `topic`, may go on hearing it. Losing a right is no attempt at anything.
    fn still_may<'a>(&'a self, actor: &'a Actor, topic: &'a str) -> BoxFuture<'a, Result<()>>;

    /// What is remembered of a person is asked anew: another process may have changed it.
    fn forget(&self, tenant: TenantId, user: UserId);

    /// Runs a command to its end; what it returns is the reply.
    fn command<'a>(&'a self, actor: &'a Actor, name: &'a str, payload: Value)
    -> BoxFuture<'a, Result<Value>>;

    fn is_command(&self, name: &str) -> bool;

    /// Whether the service itself emits `event`, so that no person may.
    fn is_reserved(&self, event: &str) -> bool;

    /// Keeps a person's broadcast as the next durable event of a numbered topic, and publishes it after the commit.
    /// Whoever may join the topic may.
    fn persist<'a>(
        &'a self,
        actor: &'a Actor,
        topic: &'a str,
        event: &'a str,
        payload: &'a RawValue,
    ) -> BoxFuture<'a, Result<PersistedBroadcast>>;

    /// What rows `actor` may read, as far as changes of rows are told.
    fn reach<'a>(&'a self, actor: &'a Actor) -> BoxFuture<'a, Result<Vec<ReadScope>>>;

    /// The changes of rows of `table` that `event` names without their content, as the rows are by now. Rows that
    /// were changed again since are left out: their later event tells them.
    fn changed_rows<'a>(&'a self, table: &'a str, event: &'a Event) -> BoxFuture<'a, Result<Vec<RowChange>>>;

    /// Counts a request of `actor` against the limits of REST.
    fn spend(&self, actor: &Actor) -> Result<()>;

    /// A connection of `actor` counts from now on.
    fn opened(&self, actor: &Actor);

    /// A connection of `actor` counts no more.
    fn closed(&self, actor: &Actor);

    /// Who is told of `users`, all of `tenant` and some hundred at most. Whoever is not in the answer is told of to
    /// nobody.
    fn circles(&self, tenant: TenantId, users: Vec<UserId>) -> BoxFuture<'_, Result<Vec<PresenceAudience>>>;

    /// People were active at these times, and are not known to have been later. Told of somebody once a minute at most
    /// while they stay.
    fn seen(&self, tenant: TenantId, people: Vec<(UserId, Timestamp)>) -> BoxFuture<'_, Result<()>>;

    /// Told a few times a second at most, with the newest number of each person and topic alone.
    fn delivered(&self, receipts: Vec<DeliveryReceipt>) -> BoxFuture<'_, ()>;
}
