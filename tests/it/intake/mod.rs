//! Events from other backends over Redis.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests: a panic is how they fail, and clippy sees only functions marked as tests"
)]

mod doctor;
mod faults;
mod once;
mod outage;
mod rejected;

use std::ops::Deref;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use guichet::auth::token::{NewToken, mint};
use guichet_base::Role as Rank;
use guichet_base::id::UserId;
use guichet_db::embedded::LoginRole;
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Api, ChatFixture, JWT_SECRET, Redis, TestServer};

const PATIENCE: Duration = Duration::from_secs(40);

/// The demo tenant with a Redis.
pub struct Post {
    pub world: ChatFixture,
    pub url: String,
    pub prefix: String,
}

impl Deref for Post {
    type Target = ChatFixture;

    fn deref(&self) -> &ChatFixture {
        &self.world
    }
}

impl Post {
    /// On the Redis of the test run; returns when events can arrive.
    pub async fn open() -> Self {
        Self::open_with(&[]).await
    }

    pub async fn open_with(variables: &[(&str, &str)]) -> Self {
        let post = Self::on(Redis::shared(), variables);
        post.until_ready(&post.server).await;
        post
    }

    /// Whether or not that Redis runs.
    pub fn on(redis: &Redis, variables: &[(&str, &str)]) -> Self {
        Self::under(redis, Redis::prefix(), variables)
    }

    pub fn under(redis: &Redis, prefix: String, variables: &[(&str, &str)]) -> Self {
        let url = redis.url();
        let mut all = vec![("REDIS_URL", url.as_str()), ("REDIS_PREFIX", prefix.as_str())];
        all.extend_from_slice(variables);
        let world = ChatFixture::on_server(TestServer::start_with(&all));
        Self { world, url, prefix }
    }

    /// Another process on the same database and Redis.
    pub fn beside(&self) -> TestServer {
        self.server.start_second_with(&[("REDIS_URL", &self.url), ("REDIS_PREFIX", &self.prefix)])
    }

    /// Status and body of `/readyz`.
    pub async fn readiness(&self, server: &TestServer) -> (u16, Value) {
        let answer = reqwest::get(format!("{}/readyz", server.url)).await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub async fn until_ready(&self, server: &TestServer) {
        let deadline = Instant::now() + PATIENCE;
        while self.readiness(server).await.1["status"] != "ok" {
            assert!(Instant::now() < deadline, "Redis was not reached");
        }
    }

    pub fn redis(&self) -> redis::Connection {
        redis::Client::open(self.url.as_str()).unwrap().get_connection().unwrap()
    }

    /// The name of channel and stream.
    pub fn name(&self) -> String {
        format!("{}notifications.events", self.prefix)
    }

    /// Returns the number of subscribers that received it.
    pub fn publish(&self, body: &str) -> i64 {
        redis::cmd("PUBLISH").arg(self.name()).arg(body).query(&mut self.redis()).unwrap()
    }

    /// Returns the id of the entry.
    pub fn add(&self, fields: &[(&str, &str)]) -> String {
        let mut add = redis::cmd("XADD");
        add.arg(self.name()).arg("*");
        for (name, text) in fields {
            add.arg(name).arg(text);
        }
        add.query(&mut self.redis()).unwrap()
    }

    /// Entries that were read and not acknowledged.
    pub fn pending(&self) -> i64 {
        let (count, _, _, _): (i64, redis::Value, redis::Value, redis::Value) =
            redis::cmd("XPENDING").arg(self.name()).arg("guichet").query(&mut self.redis()).unwrap();
        count
    }

    pub fn count(&self, of: &str) -> i64 {
        let count = diesel::dsl::sql::<BigInt>(&format!("(SELECT count(*) FROM {of})"));
        diesel::select(count).get_result(&mut self.server.database.connect(LoginRole::Admin)).unwrap()
    }

    /// The number of notifications of `user` with this title.
    pub fn told(&self, user: UserId, title: &str) -> i64 {
        self.count(&format!("notifications WHERE recipient_id = '{user}' AND data->>'title' = '{title}'"))
    }

    pub async fn until(&self, what: &str, is: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is() {
            assert!(Instant::now() < deadline, "{what} did not come to pass");
            crate::harness::pause_between_polls().await;
        }
    }

    /// Sends one more event by each source, and waits for it: everything sent before has arrived too.
    pub async fn settled(&self) {
        let mark = Uuid::now_v7().to_string();
        let emma = self.server.user("emma").id;
        for way in ["channel", "stream"] {
            let mut body = task(emma, &format!("{mark} {way}"));
            body["idempotency_key"] = json!(format!("{mark} {way}"));
            match way {
                "channel" => drop(self.publish(&body.to_string())),
                _ => drop(self.add(&[("data", &body.to_string())])),
            }
        }
        for way in ["channel", "stream"] {
            let title = format!("{mark} {way}");
            self.until(way, || self.told(emma, &title) == 1).await;
        }
        self.until("the last acknowledgement", || self.pending() == 0).await;
    }

    pub fn service(&self, tenant: &str, scopes: &[&str]) -> Api {
        let now = self.server.clock.now();
        let new = NewToken {
            subject: "backend".to_owned(),
            tenant: tenant.to_owned(),
            role: Rank::Service,
            clients: vec![],
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            name: None,
            email: None,
            locale: None,
            issued_at: now,
            expires_at: now.plus(Duration::from_secs(3600)),
        };
        let token = mint(&self.server.config.tokens, &SecretString::from(JWT_SECRET), &new).unwrap();
        Api::new(&self.server.url, Some(&token))
    }
}

/// An event for one person, as producers write it.
pub fn task(user: UserId, title: &str) -> Value {
    json!({
        "event": "task.assigned",
        "payload": {"tenant_id": "demo", "user_id": user, "task_id": "42", "title": title},
    })
}
