//! A backend and a log that tests can inspect.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use futures_util::future::{BoxFuture, FutureExt, ready};
use guichet_base::id::{TenantId, UserId};
use guichet_base::role::UserType;
use guichet_base::{Actor, Error, ErrorKind, Locale, Result, Role, Timestamp};
use parking_lot::Mutex;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::backend::{
    Audience, Credential, DeliveryReceipt, GrantWithBacklog, PeerInfo, PersistedBroadcast, PresenceAudience,
    SocketBackend, TopicGrant,
};
use crate::hub::event::Event;
use crate::log::{NewestSegment, PayloadInterest, ReplayLog, TailCursor};
use crate::row_changes::{ChangeKind, Column, ColumnType, ReadScope, RowChange, Rows, Table};

pub const TENANT: TenantId = TenantId(Uuid::from_u128(1));

/// A table of three columns; `messaging:new` inserts a row with the event's text, `messaging:read` needs a query.
pub static MESSAGES: Table = Table {
    name: "messages",
    columns: &[
        Column { name: "id", kind: ColumnType::Uuid },
        Column { name: "a", kind: ColumnType::Int8 },
        Column { name: "content", kind: ColumnType::Text },
    ],
    key: &["id"],
    events: &["messaging:new", "messaging:read"],
    whose: |_| vec![ReadScope::AllClients],
    rows: |event| {
        if &*event.name == "messaging:read" {
            return Ok(Rows::Asked);
        }
        let payload: Value = serde_json::from_str(event.payload.get()).unwrap();
        let row = vec![json!(user("row")), json!(event.seq), payload["text"].clone()];
        Ok(Rows::Told(vec![RowChange { kind: ChangeKind::Insert, row }]))
    },
};

/// `awa`, or `awa@<millis of expiry>`; a token that begins with `bad` is invalid.
pub fn user(name: &str) -> UserId {
    UserId(Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()))
}

#[derive(Default)]
pub struct FakeHost {
    pub log: Arc<FakeLog>,
    pub commands: Mutex<Vec<(String, Value)>>,
    pub receipts: Mutex<Vec<DeliveryReceipt>>,
    pub authenticated: AtomicI64,
    pub open: AtomicI64,
    pub lost: Mutex<Lost>,
    /// The number of people in each query for presence audiences.
    pub asked: Mutex<Vec<usize>>,
    pub seen: Mutex<Vec<(UserId, Timestamp)>>,
    /// Presence audiences are unavailable.
    pub is_away: std::sync::atomic::AtomicBool,
    /// The read scope of everyone.
    pub reach: Mutex<Vec<ReadScope>>,
    pub is_unreachable: AtomicBool,
    pub forgotten: Mutex<Vec<UserId>>,
    /// A numbered own topic of everyone, and its backlog.
    pub waits: Mutex<Option<(&'static str, Vec<Event>)>>,
    /// Run once, between the authorization and its arrival in the session.
    pub as_granted: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

/// Lost rights, and whether the backend is available.
#[derive(Default)]
pub struct Lost {
    pub topics: Vec<&'static str>,
    pub person: bool,
    pub away: bool,
    pub asked: usize,
}

impl Lost {
    fn answer(&mut self, about: &str) -> Result<()> {
        self.asked += 1;
        match about {
            _ if self.away => Err(Error::unavailable("down")),
            "who am i" if self.person => Err(Error::unauthenticated()),
            topic if self.topics.contains(&topic) => Err(Error::forbidden()),
            _ => Ok(()),
        }
    }
}

impl SocketBackend for FakeHost {
    fn authenticate<'a>(&'a self, token: &'a str, _: PeerInfo) -> BoxFuture<'a, Result<Credential>> {
        self.authenticated.fetch_add(1, Ordering::Relaxed);
        let (name, expiry) = token.split_once('@').unwrap_or((token, ""));
        if name.starts_with("bad") {
            return ready(Err(Error::unauthenticated())).boxed();
        }
        let actor = Actor {
            tenant: TENANT,
            user: user(name),
            role: Role::Owner,
            scopes: Arc::new([]),
            locale: Locale::En,
            ip: None,
            authenticated_at: None,
        };
        let expires_at = expiry.parse().ok().map(Timestamp::from_millis);
        ready(Ok(Credential { actor, expires_at })).boxed()
    }

    fn authorize<'a>(
        &'a self,
        _: &'a Actor,
        topic: &'a str,
        after: Option<Timestamp>,
    ) -> BoxFuture<'a, Result<TopicGrant>> {
        let grant = if topic.starts_with("secret") {
            Err(Error::forbidden())
        } else if topic.starts_with("nowhere") {
            Err(Error::not_found("topic"))
        } else if topic.starts_with("user:") {
            let extra = Map::from_iter([("conversations".into(), json!([{"after": after}]))]);
            Ok(TopicGrant { reply_fields: extra, ..TopicGrant::default() })
        } else {
            Ok(TopicGrant { head: Some(self.log.head(topic)), ..TopicGrant::default() })
        };
        if let Some(then) = self.as_granted.lock().take() {
            then();
        }
        ready(grant).boxed()
    }

    fn own_topics(&self, actor: &Actor) -> Vec<String> {
        let waits = self.waits.lock();
        let numbered = waits.iter().map(|(topic, _)| (*topic).to_owned());
        numbered.chain([format!("user:{}", actor.user)]).collect()
    }

    fn authorize_own<'a>(
        &'a self,
        actor: &'a Actor,
        topic: &'a str,
    ) -> BoxFuture<'a, Result<GrantWithBacklog>> {
        let waits = self.waits.lock().clone();
        match waits.filter(|(waits, _)| *waits == topic) {
            None => {
                async move { self.authorize(actor, topic, None).await.map(GrantWithBacklog::from) }.boxed()
            }
            Some((_, events)) => {
                let grant = TopicGrant { head: Some(self.log.head(topic)), ..TopicGrant::default() };
                if let Some(then) = self.as_granted.lock().take() {
                    then();
                }
                ready(Ok(GrantWithBacklog { grant, events })).boxed()
            }
        }
    }

    fn authorize_tenant<'a>(&'a self, _: &'a Actor, tenant: &'a str) -> BoxFuture<'a, Result<()>> {
        ready(if tenant == "here" { Ok(()) } else { Err(Error::forbidden()) }).boxed()
    }

    fn renew<'a>(&'a self, actor: &'a Actor) -> BoxFuture<'a, Result<Actor>> {
        ready(self.lost.lock().answer("who am i").map(|()| actor.clone())).boxed()
    }

    fn reauthorize<'a>(&'a self, _: &'a Actor, topic: &'a str) -> BoxFuture<'a, Result<()>> {
        ready(self.lost.lock().answer(topic)).boxed()
    }

    fn evict_person(&self, _: TenantId, user: UserId) {
        self.forgotten.lock().push(user);
    }

    fn run_command<'a>(
        &'a self,
        _: &'a Actor,
        name: &'a str,
        payload: Value,
    ) -> BoxFuture<'a, Result<Value>> {
        self.commands.lock().push((name.to_owned(), payload));
        let answer = match name {
            "messaging:send" => Ok(json!({"id": "m1"})),
            _ => Err(Error::invalid("content", "missing")),
        };
        ready(answer).boxed()
    }

    fn is_command(&self, name: &str) -> bool {
        matches!(name, "messaging:send" | "messaging:fail")
    }

    fn is_reserved_event(&self, event: &str) -> bool {
        event.starts_with("messaging:")
    }

    fn persist_broadcast<'a>(
        &'a self,
        _: &'a Actor,
        topic: &'a str,
        event: &'a str,
        payload: &'a RawValue,
    ) -> BoxFuture<'a, Result<PersistedBroadcast>> {
        if topic.starts_with("user:") {
            return ready(Err(Error::new(ErrorKind::Validation, "NOT_NUMBERED"))).boxed();
        }
        let kept = self.log.commit_named(topic, event, payload.get());
        ready(Ok(PersistedBroadcast { id: kept.id, seq: kept.seq })).boxed()
    }

    fn read_scopes<'a>(&'a self, _: &'a Actor) -> BoxFuture<'a, Result<Vec<ReadScope>>> {
        ready(match self.is_unreachable.load(Ordering::Relaxed) {
            true => Err(Error::unavailable("down")),
            false => Ok(self.reach.lock().clone()),
        })
        .boxed()
    }

    fn changed_rows<'a>(&'a self, _: &'a str, event: &'a Event) -> BoxFuture<'a, Result<Vec<RowChange>>> {
        if self.is_unreachable.load(Ordering::Relaxed) {
            return ready(Err(Error::unavailable("down"))).boxed();
        }
        let row = vec![json!(user("row")), json!(event.seq), json!("read")];
        ready(Ok(vec![RowChange { kind: ChangeKind::Update, row }])).boxed()
    }

    fn count_request(&self, _: &Actor) -> Result<()> {
        Ok(())
    }

    fn connection_opened(&self, _: &Actor) {
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    fn connection_closed(&self, _: &Actor) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    fn presence_audiences(
        &self,
        _: TenantId,
        users: Vec<UserId>,
    ) -> BoxFuture<'_, Result<Vec<PresenceAudience>>> {
        self.asked.lock().push(users.len());
        if self.is_away.load(Ordering::Relaxed) {
            return ready(Err(Error::unavailable("away"))).boxed();
        }
        let of = |user| PresenceAudience {
            user,
            user_type: UserType::Operator,
            default_topics: vec!["home".into()],
            recipients: vec![("tenant".into(), Audience::Everyone)],
        };
        ready(Ok(users.into_iter().map(of).collect())).boxed()
    }

    fn save_last_seen(&self, _: TenantId, people: Vec<(UserId, Timestamp)>) -> BoxFuture<'_, Result<()>> {
        if self.is_away.load(Ordering::Relaxed) {
            return ready(Err(Error::unavailable("away"))).boxed();
        }
        self.seen.lock().extend(people);
        ready(Ok(())).boxed()
    }

    fn record_receipts(&self, receipts: Vec<DeliveryReceipt>) -> BoxFuture<'_, ()> {
        self.receipts.lock().extend(receipts);
        ready(()).boxed()
    }
}

#[derive(Default)]
pub struct FakeLog {
    events: Mutex<Vec<Event>>,
    /// Events up to this number are gone from every topic.
    pub forgotten: AtomicI64,
    /// How many pages were read.
    pub pages: AtomicI64,
    /// Every read fails.
    pub down: std::sync::atomic::AtomicBool,
}

impl FakeLog {
    /// Commits the next event of `topic`.
    pub fn commit(&self, topic: &str, payload: &str) -> Event {
        self.commit_named(topic, "messaging:new", payload)
    }

    pub fn commit_named(&self, topic: &str, name: &str, payload: &str) -> Event {
        let event = Event {
            tenant: TENANT,
            id: Uuid::now_v7(),
            topic: topic.into(),
            seq: self.head(topic) + 1,
            name: name.into(),
            payload: RawValue::from_string(payload.to_owned()).unwrap(),
            copies: vec!["user:9".into()],
            side_events: Vec::new(),
            client: None,
        };
        self.events.lock().push(event.clone());
        event
    }

    /// Commits an event with an arbitrary number.
    pub fn put(&self, event: Event) {
        self.events.lock().push(event);
    }

    pub fn head(&self, topic: &str) -> i64 {
        self.events.lock().iter().filter(|event| &*event.topic == topic).count() as i64
    }

    fn of(&self, topic: &str, after: i64) -> Result<Vec<Event>> {
        if self.down.load(Ordering::Relaxed) {
            return Err(Error::unavailable("down"));
        }
        let after = after.max(self.forgotten.load(Ordering::Relaxed));
        let events = self.events.lock();
        Ok(events.iter().filter(|event| &*event.topic == topic && event.seq > after).cloned().collect())
    }
}

impl ReplayLog for FakeLog {
    fn newest_segment<'a>(
        &'a self,
        _: &'a Actor,
        topic: &'a str,
        _: Timestamp,
        limit: i64,
    ) -> BoxFuture<'a, Result<Option<NewestSegment>>> {
        let newest = self.of(topic, 0).map(|events| {
            let after = (events.len() as i64 - limit).max(0);
            (!events.is_empty()).then_some(NewestSegment { after, truncated: after > 0 })
        });
        ready(newest).boxed()
    }

    fn read_page<'a>(
        &'a self,
        tenant: TenantId,
        topic: &'a str,
        after: i64,
        up_to: i64,
    ) -> BoxFuture<'a, Result<Vec<Event>>> {
        self.pages.fetch_add(1, Ordering::Relaxed);
        async move {
            // Like a database: other tasks run meanwhile.
            tokio::task::yield_now().await;
            self.read_gap(tenant, topic, after, up_to).await
        }
        .boxed()
    }

    fn read_gap<'a>(
        &'a self,
        _: TenantId,
        topic: &'a str,
        after: i64,
        up_to: i64,
    ) -> BoxFuture<'a, Result<Vec<Event>>> {
        let events = self
            .of(topic, after)
            .map(|events| events.into_iter().filter(|event| event.seq <= up_to).collect());
        ready(events).boxed()
    }

    fn tail_start(&self) -> BoxFuture<'_, Result<TailCursor>> {
        ready(Ok(TailCursor::before_transaction(self.events.lock().len() as i64))).boxed()
    }

    fn read_tail(
        &self,
        from: TailCursor,
        wants: PayloadInterest,
    ) -> BoxFuture<'_, Result<(Vec<Event>, TailCursor)>> {
        if self.down.load(Ordering::Relaxed) {
            return ready(Err(Error::unavailable("down"))).boxed();
        }
        let mut events: Vec<Event> =
            self.events.lock().iter().skip(usize::try_from(from.txid).unwrap()).cloned().collect();
        let next = TailCursor::before_transaction(from.txid + events.len() as i64);
        events.retain(|event| event.seq > self.forgotten.load(Ordering::Relaxed));
        // Like PostgreSQL's outbox: events without copies are filtered.
        events.retain(|event| !event.copies.is_empty() || wants(event));
        ready(Ok((events, next))).boxed()
    }

    fn maintain_partitions(&self, _: i32) -> BoxFuture<'_, Result<()>> {
        ready(Ok(())).boxed()
    }
}
