//! Implements the realtime crate's `SocketBackend`: authentication, authorization of topics, and the commands, which
//! call the same functions as REST.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use guichet_base::id::{TenantId, UserId};
use guichet_base::{Actor, Error, ErrorKind, Result, Timestamp};
use guichet_realtime::{
    Credential, DeliveryReceipt, Event, GrantWithBacklog, PeerInfo, PersistedBroadcast, PresenceAudience,
    ReadScope, RowChange, SocketBackend, TopicGrant, Visibility,
};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::presence;
use super::topic::TopicName;
use crate::activity;
use crate::activity::connections::ConnectionLog;
use crate::auth::connect::ConnectToken;
use crate::auth::{Authenticator, RequestedTenant};
use crate::chat::http::{ReadCommand, SendCommand, TypingCommand};
use crate::chat::model::RoomRef;
use crate::chat::service::{self as chat, ReadTarget};
use crate::chat::{Chat, is_reserved_event};
use crate::config::Feature;
use crate::directory::{self, Directory};
use crate::notifications::live::{self, AckCommand};
use crate::notifications::{self, Notifications};
use crate::web::RateLimits;
use crate::web::idempotency::IdempotentRequest;
use crate::web::rate_limit::LimitKey;

/// Commands that clients may send over sockets.
pub const COMMAND_NAMES: [&str; 6] =
    ["messaging:send", "messaging:read", "messaging:typing", "messaging:join", "notify:ack", "presence:ping"];
/// Prefixes of event names reserved for guichet.
const RESERVED_PREFIXES: [&str; 7] =
    ["messaging:", "notify:", "presence:", "ticket:", "meeting:", "phx_", "presence_"];

/// The service as the socket layer uses it.
pub struct ServiceBackend {
    pub authenticator: Authenticator,
    pub directory: Directory,
    pub chat: Chat,
    pub notifications: Notifications,
    pub connections: ConnectionLog,
    pub limits: RateLimits,
}

impl SocketBackend for ServiceBackend {
    fn authenticate<'a>(&'a self, token: &'a str, peer: PeerInfo) -> BoxFuture<'a, Result<Credential>> {
        async move {
            let verified = match ConnectToken::parse(token) {
                Some(ticket) => self.authenticator.redeem(&ticket, peer.ip).await,
                None => self.authenticator.authenticate(token, peer.ip, RequestedTenant::Unspecified).await,
            };
            if let (Err(error), Some(ip)) = (&verified, peer.ip)
                && error.kind() == ErrorKind::Unauthenticated
            {
                // As in REST: guessing tokens is slow, and a valid token is never refused because of others' guesses.
                self.limits.check(LimitKey::Anonymous(ip))?;
            }
            let credential = verified?;
            if credential.actor.role.is_service() {
                return Err(Error::forbidden());
            }
            Ok(Credential { actor: credential.actor, expires_at: Some(credential.expires_at) })
        }
        .boxed()
    }

    fn authorize<'a>(
        &'a self,
        actor: &'a Actor,
        topic: &'a str,
        after: Option<Timestamp>,
    ) -> BoxFuture<'a, Result<TopicGrant>> {
        async move {
            // A socket outlives requests: its person may have been deleted or changed role since it opened.
            let actor = &self.directory.refresh_actor(actor).await?;
            let granted = self.grant_topic(actor, topic, after).await;
            // A feature that is off is not a forbidden attempt.
            if granted.as_ref().is_err_and(|error| error.code() == "FORBIDDEN") {
                activity::record_forbidden(&self.chat.db, actor, "join", Some(("topic", topic))).await;
            }
            presence::apply_feature_flag(&self.directory, actor, granted?).await
        }
        .boxed()
    }

    fn authorize_own<'a>(
        &'a self,
        actor: &'a Actor,
        topic: &'a str,
    ) -> BoxFuture<'a, Result<GrantWithBacklog>> {
        async move {
            let Some(TopicName::Feed(user)) = TopicName::parse(topic) else {
                return self.authorize(actor, topic, None).await.map(GrantWithBacklog::from);
            };
            let actor = self.directory.refresh_actor(actor).await?;
            let live::ReplayOnConnect { head, events } =
                live::replay_on_connect(&self.notifications, &actor, user).await?;
            Ok(GrantWithBacklog { grant: feed_grant(head), events })
        }
        .boxed()
    }

    fn own_topics(&self, actor: &Actor) -> Vec<String> {
        let mut own = vec![crate::chat::person_topic(actor.user), notifications::topic(actor.user)];
        if actor.role.is_operator() {
            own.push(format!("tenant:{}", actor.tenant));
        }
        own
    }

    fn authorize_tenant<'a>(&'a self, actor: &'a Actor, tenant: &'a str) -> BoxFuture<'a, Result<()>> {
        async move {
            if tenant.parse() == Ok(actor.tenant) {
                return Ok(());
            }
            activity::record_forbidden(&self.chat.db, actor, "connect", Some(("tenant", tenant))).await;
            Err(Error::forbidden())
        }
        .boxed()
    }

    fn renew<'a>(&'a self, actor: &'a Actor) -> BoxFuture<'a, Result<Actor>> {
        self.directory.refresh_actor(actor).boxed()
    }

    fn reauthorize<'a>(&'a self, actor: &'a Actor, topic: &'a str) -> BoxFuture<'a, Result<()>> {
        async move { self.grant_topic(actor, topic, None).await.map(drop) }.boxed()
    }

    fn evict_person(&self, tenant: TenantId, user: UserId) {
        self.directory.invalidate_account(tenant, user);
    }

    fn run_command<'a>(
        &'a self,
        actor: &'a Actor,
        name: &'a str,
        payload: Value,
    ) -> BoxFuture<'a, Result<Value>> {
        async move {
            let actor = &self.directory.refresh_actor(actor).await?;
            let on = command_subject(&payload);
            let done = self.dispatch_command(actor, name, payload).await;
            if done.as_ref().is_err_and(|error| error.code() == "FORBIDDEN") {
                let on = on.as_ref().map(|(kind, id)| (*kind, id.as_str()));
                activity::record_forbidden(&self.chat.db, actor, name, on).await;
            }
            done
        }
        .boxed()
    }

    fn is_command(&self, name: &str) -> bool {
        COMMAND_NAMES.contains(&name)
    }

    fn is_reserved_event(&self, event: &str) -> bool {
        is_reserved_event(event) || RESERVED_PREFIXES.iter().any(|family| event.starts_with(family))
    }

    fn persist_broadcast<'a>(
        &'a self,
        actor: &'a Actor,
        topic: &'a str,
        event: &'a str,
        payload: &'a RawValue,
    ) -> BoxFuture<'a, Result<PersistedBroadcast>> {
        async move {
            let actor = &self.directory.refresh_actor(actor).await?;
            let room = match TopicName::parse(topic) {
                Some(TopicName::Room(client)) => RoomRef::Client(client),
                Some(TopicName::Direct(conversation)) => RoomRef::Conversation(conversation),
                // Only the service publishes on a person's feed.
                Some(TopicName::Feed(_)) => return Err(Error::forbidden()),
                _ => return Err(Error::new(ErrorKind::Validation, "NOT_NUMBERED")),
            };
            let kept = chat::persist(&self.chat, actor, room, event, payload).await?;
            Ok(PersistedBroadcast { id: kept.id, seq: kept.seq })
        }
        .boxed()
    }

    fn read_scopes<'a>(&'a self, actor: &'a Actor) -> BoxFuture<'a, Result<Vec<ReadScope>>> {
        async move {
            let actor = self.directory.refresh_actor(actor).await?;
            match chat::read_scopes(&self.chat, &actor).await {
                // With chat off, only their own rows remain.
                Err(error) if error.code() == "FEATURE_DISABLED" => {
                    self.directory.require(&actor, Feature::Notifications).await?;
                    Ok(vec![ReadScope::Person(actor.user)])
                }
                reach => reach,
            }
        }
        .boxed()
    }

    fn changed_rows<'a>(&'a self, table: &'a str, event: &'a Event) -> BoxFuture<'a, Result<Vec<RowChange>>> {
        async move {
            match table {
                "messages" => chat::rows_changed_by_read(&self.chat, event).await,
                "notifications" => notifications::changed_rows(&self.notifications, event).await,
                other => Err(Error::internal(format!("nobody reads the changed rows of {other}"))),
            }
        }
        .boxed()
    }

    fn count_request(&self, actor: &Actor) -> Result<()> {
        self.limits.check(LimitKey::for_actor(actor)).map(|_| ())
    }

    fn connection_opened(&self, actor: &Actor) {
        self.connections.record_connect(actor);
    }

    fn connection_closed(&self, actor: &Actor) {
        self.connections.record_disconnect(actor);
    }

    fn presence_audiences(
        &self,
        tenant: TenantId,
        users: Vec<UserId>,
    ) -> BoxFuture<'_, Result<Vec<PresenceAudience>>> {
        presence::presence_audiences(&self.directory, tenant, users).boxed()
    }

    fn save_last_seen(
        &self,
        tenant: TenantId,
        people: Vec<(UserId, Timestamp)>,
    ) -> BoxFuture<'_, Result<()>> {
        directory::presence::record_last_seen(&self.directory, tenant, people).boxed()
    }

    fn record_receipts(&self, receipts: Vec<DeliveryReceipt>) -> BoxFuture<'_, ()> {
        for receipt in receipts {
            let room = match TopicName::parse(&receipt.topic) {
                Some(TopicName::Room(client)) => RoomRef::Client(client),
                Some(TopicName::Direct(id)) => RoomRef::Conversation(id),
                // Delivery to a screen is not a state of a notification.
                Some(
                    TopicName::Person(_)
                    | TopicName::Tenant(_)
                    | TopicName::OperatorPresence(_)
                    | TopicName::Feed(_),
                )
                | None => continue,
            };
            self.chat.delivered.record_received(&receipt.actor, room, receipt.up_to);
        }
        std::future::ready(()).boxed()
    }
}

impl ServiceBackend {
    async fn dispatch_command(&self, actor: &Actor, name: &str, payload: Value) -> Result<Value> {
        match name {
            "messaging:send" => {
                let send = parse_payload::<SendCommand>(payload)?.into_send()?;
                let outcome = chat::send(&self.chat, actor, IdempotentRequest::without_key(), send).await?;
                to_reply(&outcome.sent)
            }
            "messaging:read" => {
                let read = parse_payload::<ReadCommand>(payload)?;
                to_reply(&chat::mark_read(&self.chat, actor, ReadTarget::Message(read.message_id)).await?)
            }
            "messaging:typing" => {
                let typing = parse_payload::<TypingCommand>(payload)?;
                chat::set_typing(&self.chat, actor, typing.room()?, typing.typing).await?;
                Ok(json!({}))
            }
            "notify:ack" => {
                let ack = parse_payload::<AckCommand>(payload)?;
                to_reply(&notifications::feed::ack(&self.notifications, actor, ack.id).await?)
            }
            // Sent by older clients after their join; the join itself does the work.
            "messaging:join" | "presence:ping" => Ok(json!({})),
            _ => Err(Error::not_found("command")),
        }
    }

    async fn grant_topic(&self, actor: &Actor, topic: &str, after: Option<Timestamp>) -> Result<TopicGrant> {
        match TopicName::parse(topic) {
            None => Err(Error::not_found("topic")),
            Some(TopicName::Room(client)) => self.grant_room(actor, RoomRef::Client(client), topic).await,
            Some(TopicName::Direct(id)) => self.grant_room(actor, RoomRef::Conversation(id), topic).await,
            Some(TopicName::Person(user)) => self.grant_person(actor, user, after).await,
            Some(TopicName::Tenant(tenant)) => tenant_grant(actor, tenant),
            Some(TopicName::OperatorPresence(operator)) => {
                presence::authorize_operator_topic(&self.directory, actor, operator).await
            }
            Some(TopicName::Feed(user)) => live::head(&self.notifications, actor, user).await.map(feed_grant),
        }
    }

    async fn grant_room(&self, actor: &Actor, room: RoomRef, topic: &str) -> Result<TopicGrant> {
        let (place, head) = chat::find_place(&self.chat, actor, room).await.map_err(|error| {
            // Topics have no 404: a topic that the actor may not join is refused whether or not it exists.
            if error.kind() == ErrorKind::NotFound { Error::forbidden() } else { error }
        })?;
        if place.topic() != topic {
            // A client's room under the name of a direct conversation is not a topic.
            return Err(Error::forbidden());
        }
        let extra = Map::from_iter([("conversation_id".to_owned(), json!(place.conversation))]);
        Ok(TopicGrant { head: Some(head), reply_fields: extra, ..TopicGrant::default() })
    }

    async fn grant_person(
        &self,
        actor: &Actor,
        user: UserId,
        after: Option<Timestamp>,
    ) -> Result<TopicGrant> {
        if user != actor.user {
            return Err(Error::forbidden());
        }
        let moved = match after {
            Some(after) => chat::changed_since(&self.chat, actor, after).await?,
            None => Vec::new(),
        };
        let moved: Vec<Value> =
            moved.into_iter().map(|(topic, head)| json!({"topic": topic, "head": head})).collect();
        let extra = Map::from_iter([("conversations".to_owned(), moved.into())]);
        Ok(TopicGrant { reply_fields: extra, ..TopicGrant::default() })
    }
}

/// A feed shows no presence of others.
fn feed_grant(head: i64) -> TopicGrant {
    TopicGrant { head: Some(head), visibility: Visibility::none(), ..TopicGrant::default() }
}

fn tenant_grant(actor: &Actor, tenant: TenantId) -> Result<TopicGrant> {
    if tenant == actor.tenant && actor.role.is_operator() {
        Ok(TopicGrant::default())
    } else {
        Err(Error::forbidden())
    }
}

/// The subject of a command, for the log of refusals.
fn command_subject(payload: &Value) -> Option<(&'static str, String)> {
    let keys = [
        ("to_user_id", "user"),
        ("conversation_id", "conversation"),
        ("client_id", "client"),
        ("message_id", "message"),
    ];
    keys.into_iter().find_map(|(key, kind)| Some((kind, payload.get(key)?.as_str()?.to_owned())))
}

/// Parses a payload with the same errors as a REST body: every wrong field with its path.
fn parse_payload<T: DeserializeOwned>(payload: Value) -> Result<T> {
    crate::web::parse_value(&payload)
}

fn to_reply(value: &impl serde::Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(Error::internal)
}
