//! The demo tenant for tests: a client for each of its people.

use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use guichet_base::id::ClientId;
use serde_json::{Value, json};

use super::{Api, TestServer};

pub struct ChatFixture {
    pub server: TestServer,
    pub awa: Api,
    pub denis: Api,
    pub emma: Api,
    pub karim: Api,
    pub chloe: Api,
    pub bruno: Api,
    pub service: Api,
    pub nobody: Api,
    /// Emma's client, with Chloé in it.
    pub nord: ClientId,
    /// Karim's client, with Bruno in it.
    pub sud: ClientId,
}

impl ChatFixture {
    pub fn new() -> Self {
        Self::of(TestServer::start())
    }

    pub fn of(server: TestServer) -> Self {
        let api = |name: &str| Api::new(&server.url, Some(&server.user(name).token));
        Self {
            awa: api("awa"),
            denis: api("denis"),
            emma: api("emma"),
            karim: api("karim"),
            chloe: api("chloe"),
            bruno: api("bruno"),
            service: Api::new(&server.url, Some(&server.demo.service_token)),
            nobody: Api::new(&server.url, None),
            nord: server.client("atelier_nord"),
            sud: server.client("boulangerie_sud"),
            server,
        }
    }

    /// Sends a message to the room of Atelier Nord.
    pub async fn say(&self, by: &Api, content: &str) -> Value {
        let answer = by.post(&format!("/clients/{}/messages", self.nord), json!({"content": content})).await;
        answer.data().clone()
    }

    /// The number of activity rows with `action`.
    pub fn logged(&self, action: &str) -> i64 {
        let mut admin = self.server.database.admin();
        diesel::sql_query("SELECT count(*) AS number FROM activity_logs WHERE action = $1")
            .bind::<Text, _>(action)
            .get_result::<Count>(&mut *admin)
            .unwrap()
            .number
    }

    /// Waits for rows that are written asynchronously.
    pub async fn until_logged(&self, action: &str, count: i64) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.logged(action) < count {
            assert!(Instant::now() < deadline, "{action} was not written down");
            super::poll_interval().await;
        }
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    number: i64,
}
