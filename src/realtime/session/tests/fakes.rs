//! A host and a log that tests can look into.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::{BoxFuture, FutureExt, ready};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::base::id::{TenantId, UserId};
use crate::base::{Actor, Error, Locale, Result, Role, Timestamp};
use crate::realtime::event::Event;
use crate::realtime::host::{Credential, Grant, Host, Peer, Receipt};
use crate::realtime::log::{Cursor, Log, Newest};

pub const TENANT: TenantId = TenantId(Uuid::from_u128(1));

/// `awa`, or `awa@<millis of expiry>`; a token that begins with `bad` is none.
pub fn user(name: &str) -> UserId {
    UserId(Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()))
}

#[derive(Default)]
pub struct FakeHost {
    pub log: Arc<FakeLog>,
    pub commands: Mutex<Vec<(String, Value)>>,
    pub receipts: Mutex<Vec<Receipt>>,
    pub authenticated: AtomicI64,
    pub open: AtomicI64,
}

impl Host for FakeHost {
    fn authenticate<'a>(&'a self, token: &'a str, _: Peer) -> BoxFuture<'a, Result<Credential>> {
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
        };
        let expires_at = expiry.parse().ok().map(Timestamp::from_millis);
        ready(Ok(Credential { actor, expires_at })).boxed()
    }

    fn authorize<'a>(
        &'a self,
        _: &'a Actor,
        topic: &'a str,
        after: Option<Timestamp>,
    ) -> BoxFuture<'a, Result<Grant>> {
        let grant = if topic.starts_with("secret") {
            Err(Error::forbidden())
        } else if topic.starts_with("user:") {
            let extra = Map::from_iter([("conversations".into(), json!([{"after": after}]))]);
            Ok(Grant { head: None, extra })
        } else {
            Ok(Grant { head: Some(self.log.head(topic)), extra: Map::new() })
        };
        ready(grant).boxed()
    }

    fn own_topics(&self, actor: &Actor) -> Vec<String> {
        vec![format!("user:{}", actor.user)]
    }

    fn may_enter<'a>(&'a self, _: &'a Actor, tenant: &'a str) -> BoxFuture<'a, Result<()>> {
        ready(if tenant == "here" { Ok(()) } else { Err(Error::forbidden()) }).boxed()
    }

    fn command<'a>(&'a self, _: &'a Actor, name: &'a str, payload: Value) -> BoxFuture<'a, Result<Value>> {
        self.commands.lock().unwrap().push((name.to_owned(), payload));
        let answer = match name {
            "messaging:send" => Ok(json!({"id": "m1"})),
            _ => Err(Error::invalid("content", "missing")),
        };
        ready(answer).boxed()
    }

    fn is_command(&self, name: &str) -> bool {
        matches!(name, "messaging:send" | "messaging:fail")
    }

    fn is_reserved(&self, event: &str) -> bool {
        event.starts_with("messaging:")
    }

    fn opened(&self, _: &Actor) {
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    fn closed(&self, _: &Actor) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    fn delivered(&self, receipts: Vec<Receipt>) -> BoxFuture<'_, ()> {
        self.receipts.lock().unwrap().extend(receipts);
        ready(()).boxed()
    }
}

#[derive(Default)]
pub struct FakeLog {
    events: Mutex<Vec<Event>>,
    /// Events up to this number are gone from every topic.
    pub forgotten: AtomicI64,
    /// Every reading fails.
    pub down: std::sync::atomic::AtomicBool,
}

impl FakeLog {
    /// Commits the next event of `topic`.
    pub fn commit(&self, topic: &str, payload: &str) -> Event {
        let event = Event {
            tenant: TENANT,
            id: Uuid::now_v7(),
            topic: topic.into(),
            seq: self.head(topic) + 1,
            name: "messaging:new".into(),
            payload: RawValue::from_string(payload.to_owned()).unwrap(),
            copies: vec!["user:9".into()],
            also: Vec::new(),
            client: None,
        };
        self.events.lock().unwrap().push(event.clone());
        event
    }

    pub fn head(&self, topic: &str) -> i64 {
        self.events.lock().unwrap().iter().filter(|event| &*event.topic == topic).count() as i64
    }

    fn of(&self, topic: &str, after: i64) -> Result<Vec<Event>> {
        if self.down.load(Ordering::Relaxed) {
            return Err(Error::unavailable("down"));
        }
        let after = after.max(self.forgotten.load(Ordering::Relaxed));
        let events = self.events.lock().unwrap();
        Ok(events.iter().filter(|event| &*event.topic == topic && event.seq > after).cloned().collect())
    }
}

impl Log for FakeLog {
    fn kept<'a>(
        &'a self,
        _: &'a Actor,
        topic: &'a str,
        after: i64,
        up_to: i64,
    ) -> BoxFuture<'a, Result<i64>> {
        let kept = self
            .of(topic, after)
            .map(|events| events.iter().filter(|event| event.seq <= up_to).count() as i64);
        ready(kept).boxed()
    }

    fn newest<'a>(
        &'a self,
        _: &'a Actor,
        topic: &'a str,
        _: Timestamp,
        limit: i64,
    ) -> BoxFuture<'a, Result<Option<Newest>>> {
        let newest = self.of(topic, 0).map(|events| {
            let after = (events.len() as i64 - limit).max(0);
            (!events.is_empty()).then_some(Newest { after, truncated: after > 0 })
        });
        ready(newest).boxed()
    }

    fn page<'a>(
        &'a self,
        _: &'a Actor,
        topic: &'a str,
        after: i64,
        limit: i64,
    ) -> BoxFuture<'a, Result<Vec<Event>>> {
        ready(
            self.of(topic, after)
                .map(|events| events.into_iter().take(usize::try_from(limit).unwrap()).collect()),
        )
        .boxed()
    }

    fn fill<'a>(
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

    fn edge(&self) -> BoxFuture<'_, Result<Cursor>> {
        ready(Ok(Cursor::at(self.events.lock().unwrap().len() as i64))).boxed()
    }

    fn tail(&self, from: Cursor) -> BoxFuture<'_, Result<(Vec<Event>, Cursor)>> {
        if self.down.load(Ordering::Relaxed) {
            return ready(Err(Error::unavailable("down"))).boxed();
        }
        let mut events: Vec<Event> =
            self.events.lock().unwrap().iter().skip(usize::try_from(from.txid).unwrap()).cloned().collect();
        let next = Cursor::at(from.txid + events.len() as i64);
        events.retain(|event| event.seq > self.forgotten.load(Ordering::Relaxed));
        ready(Ok((events, next))).boxed()
    }

    fn keep(&self, _: i32) -> BoxFuture<'_, Result<()>> {
        ready(Ok(())).boxed()
    }
}
