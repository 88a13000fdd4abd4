//! The demo tenant as a test meets it: a caller for each of its people.

use guichet::base::id::ClientId;
use serde_json::{Value, json};

use super::{Api, TestServer};

pub struct World {
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

impl World {
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

    /// Writes in the room of Atelier Nord.
    pub async fn say(&self, by: &Api, content: &str) -> Value {
        let answer = by.post(&format!("/clients/{}/messages", self.nord), json!({"content": content})).await;
        answer.data().clone()
    }
}
