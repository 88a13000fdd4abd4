//! The interface between sockets and the service. `app` implements it; tests have their own implementation.

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

pub use crate::hub::audience::{Audience, AudienceRoles, Visibility};
use crate::hub::event::Event;
use crate::row_changes::{ReadScope, RowChange};

/// The origin of a connection.
#[derive(Debug, Clone, Copy, Default)]
pub struct PeerInfo {
    pub ip: Option<IpAddr>,
    /// The language of errors before authentication.
    pub locale: Locale,
}

/// A verified actor, and when its token expires.
#[derive(Debug, Clone)]
pub struct Credential {
    pub actor: Actor,
    pub expires_at: Option<Timestamp>,
}

/// The authorization to subscribe to a topic, and the topic's position.
#[derive(Debug, Clone, Default)]
pub struct TopicGrant {
    /// The number of the topic's last durable event, 0 before the first; `None` for a topic without numbers.
    ///
    /// Must be read after `authorize` was called: the subscription is open by then, and later commits reach it.
    pub head: Option<i64>,
    /// Merged into the ok reply of the join.
    pub reply_fields: Map<String, Value>,
    /// The people shown to this subscriber in `presence_state` and `presence_diff`.
    pub visibility: Visibility,
}

/// A grant, and the events to send with the join.
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

/// The topics and subscribers that are notified of a person's presence.
#[derive(Debug, Clone)]
pub struct PresenceAudience {
    pub user: UserId,
    pub user_type: UserType,
    /// Topics on which the person is present while connected.
    pub default_topics: Vec<Box<str>>,
    /// Topics that receive `presence:update`, each with the subscribers who may.
    pub recipients: Vec<(Box<str>, Audience)>,
}

/// Durable events of a topic up to `up_to` were handed to a socket of `actor`.
#[derive(Debug, Clone)]
pub struct DeliveryReceipt {
    pub actor: Arc<Actor>,
    pub topic: Box<str>,
    pub up_to: i64,
}

/// The id and position of a persisted broadcast.
#[derive(Debug, Clone, Copy)]
pub struct PersistedBroadcast {
    pub id: Uuid,
    pub seq: i64,
}

pub trait SocketBackend: Send + Sync + 'static {
    fn authenticate<'a>(&'a self, token: &'a str, peer: PeerInfo) -> BoxFuture<'a, Result<Credential>>;

    /// Authorizes `actor` to subscribe to `topic` (without prefix). `after` is the time given by a resuming client,
    /// for topics without numbers, whose `TopicGrant::extra` then lists what changed since.
    fn authorize<'a>(
        &'a self,
        actor: &'a Actor,
        topic: &'a str,
        after: Option<Timestamp>,
    ) -> BoxFuture<'a, Result<TopicGrant>>;

    /// The topics (without prefix) of `actor` alone: dialects without joins subscribe to them on connect.
    fn own_topics(&self, actor: &Actor) -> Vec<String>;

    /// The same as `authorize` for an own topic without a join, with the events to send on connect: events from
    /// before the grant's head, in order.
    fn authorize_own<'a>(
        &'a self,
        actor: &'a Actor,
        topic: &'a str,
    ) -> BoxFuture<'a, Result<GrantWithBacklog>> {
        async move { self.authorize(actor, topic, None).await.map(GrantWithBacklog::from) }.boxed()
    }

    /// Whether `actor` may connect under the path of `tenant`, an id as the client wrote it.
    fn authorize_tenant<'a>(&'a self, actor: &'a Actor, tenant: &'a str) -> BoxFuture<'a, Result<()>>;

    /// The actor with the current role. Errors: `Unauthenticated` if the person was deleted or their token revoked.
    fn renew<'a>(&'a self, actor: &'a Actor) -> BoxFuture<'a, Result<Actor>>;

    /// Whether `actor`, who joined `topic`, may stay subscribed. A lost right is not logged as a forbidden attempt.
    fn reauthorize<'a>(&'a self, actor: &'a Actor, topic: &'a str) -> BoxFuture<'a, Result<()>>;

    /// Drops the person from the caches: another process may have changed them.
    fn evict_person(&self, tenant: TenantId, user: UserId);

    /// Runs a command to its end and returns its reply.
    fn run_command<'a>(
        &'a self,
        actor: &'a Actor,
        name: &'a str,
        payload: Value,
    ) -> BoxFuture<'a, Result<Value>>;

    fn is_command(&self, name: &str) -> bool;

    /// Whether only the service may emit `event`.
    fn is_reserved_event(&self, event: &str) -> bool;

    /// Persists a client's broadcast as the next durable event of a numbered topic, and publishes it after the
    /// commit. Allowed to everyone who may join the topic.
    fn persist_broadcast<'a>(
        &'a self,
        actor: &'a Actor,
        topic: &'a str,
        event: &'a str,
        payload: &'a RawValue,
    ) -> BoxFuture<'a, Result<PersistedBroadcast>>;

    /// The rows that `actor` may read, as scopes of row changes.
    fn read_scopes<'a>(&'a self, actor: &'a Actor) -> BoxFuture<'a, Result<Vec<ReadScope>>>;

    /// The row changes of `table` that `event` announces without content, from the current rows. Rows that changed
    /// again since are left out: their later event carries them.
    fn changed_rows<'a>(&'a self, table: &'a str, event: &'a Event) -> BoxFuture<'a, Result<Vec<RowChange>>>;

    /// Counts a request of `actor` against the rate limits of REST.
    fn count_request(&self, actor: &Actor) -> Result<()>;

    /// A connection of `actor` was opened.
    fn connection_opened(&self, actor: &Actor);

    /// A connection of `actor` was closed.
    fn connection_closed(&self, actor: &Actor);

    /// The presence audiences of `users`, some hundred people of `tenant` at most. No one is notified of a person
    /// missing in the result.
    fn presence_audiences(
        &self,
        tenant: TenantId,
        users: Vec<UserId>,
    ) -> BoxFuture<'_, Result<Vec<PresenceAudience>>>;

    /// People were active at these times. Called at most once per minute for a person who stays connected.
    fn save_last_seen(&self, tenant: TenantId, people: Vec<(UserId, Timestamp)>)
    -> BoxFuture<'_, Result<()>>;

    /// Called a few times per second at most, with the highest number for each person and topic.
    fn record_receipts(&self, receipts: Vec<DeliveryReceipt>) -> BoxFuture<'_, ()>;
}
