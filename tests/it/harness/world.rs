//! A server with the demo tenant, and an HTTP client for each of its people.

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
    pub anonymous: Api,
    /// The client Atelier Nord: Emma is in charge, Chloé is a member.
    pub nord: ClientId,
    /// The client Boulangerie Sud: Karim is in charge, Bruno is a member.
    pub sud: ClientId,
}

impl ChatFixture {
    pub fn new() -> Self {
        Self::on_server(TestServer::start())
    }

    pub fn on_server(server: TestServer) -> Self {
        let api = |name: &str| Api::new(&server.url, Some(&server.user(name).token));
        Self {
            awa: api("awa"),
            denis: api("denis"),
            emma: api("emma"),
            karim: api("karim"),
            chloe: api("chloe"),
            bruno: api("bruno"),
            service: Api::new(&server.url, Some(&server.demo.service_token)),
            anonymous: Api::new(&server.url, None),
            nord: server.client("atelier_nord"),
            sud: server.client("boulangerie_sud"),
            server,
        }
    }

    /// Sends a message to the room of Atelier Nord.
    pub async fn send_message(&self, author: &Api, content: &str) -> Value {
        let answer =
            author.post(&format!("/clients/{}/messages", self.nord), json!({"content": content})).await;
        answer.data().clone()
    }

    /// The number of activity rows with `action`.
    pub fn activity_count(&self, action: &str) -> i64 {
        let mut admin = self.server.database.admin();
        diesel::sql_query("SELECT count(*) AS number FROM activity_logs WHERE action = $1")
            .bind::<Text, _>(action)
            .get_result::<Count>(&mut *admin)
            .unwrap()
            .number
    }

    /// Waits until at least `count` activity rows with `action` exist; they are written asynchronously.
    pub async fn wait_for_activity(&self, action: &str, count: i64) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.activity_count(action) < count {
            assert!(Instant::now() < deadline, "{action} was not recorded");
            super::pause_between_polls().await;
        }
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    number: i64,
}
