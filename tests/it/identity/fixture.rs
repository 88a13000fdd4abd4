//! A service with a tenant of its own, and clients for its people.

use std::ops::Deref;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text};
use guichet::auth::token::{NewToken, mint};
use guichet_base::Role as Rank;
use guichet_base::id::{ClientId, TeamId, UserId};
use guichet_db::Db;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::harness::{Api, JWT_SECRET, TestServer};

pub struct IdentityFixture {
    server: TestServer,
}

impl Deref for IdentityFixture {
    type Target = TestServer;

    fn deref(&self) -> &TestServer {
        &self.server
    }
}

impl IdentityFixture {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// With these variables, added to those of every test.
    pub fn with(variables: &[(&str, &str)]) -> Self {
        Self { server: TestServer::start_with(variables) }
    }

    pub fn db(&self) -> &Db {
        &self.app.db
    }

    pub fn token(&self, tenant: &str, subject: &str, role: Rank) -> NewToken {
        let now = self.clock.now();
        NewToken {
            subject: subject.to_owned(),
            tenant: tenant.to_owned(),
            role,
            clients: vec![],
            scopes: vec![],
            name: None,
            email: None,
            locale: None,
            issued_at: now,
            expires_at: now.plus(Duration::from_secs(3600)),
        }
    }

    pub fn mint(&self, new: &NewToken) -> String {
        mint(&self.config.tokens, &SecretString::from(JWT_SECRET), new).unwrap()
    }

    pub fn api(&self, token: Option<String>) -> Api {
        Api::new(&self.url, token.as_deref())
    }

    pub fn person(&self, tenant: &str, user: UserId, role: Rank) -> Api {
        self.api(Some(self.mint(&self.token(tenant, &user.to_string(), role))))
    }

    pub fn service(&self, tenant: &str, scopes: &[&str]) -> Api {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        self.api(Some(self.mint(&NewToken { scopes, ..self.token(tenant, "backend", Rank::Service) })))
    }

    /// The entity and the details, with the address, of the activity rows with `action`.
    pub fn log(&self, action: &str) -> Vec<(Option<String>, Value)> {
        const SQL: &str = "SELECT entity_type || ' ' || entity_id AS entity, \
                           details || jsonb_build_object('ip', host(ip_address)) AS details \
                           FROM activity_logs WHERE action = $1 ORDER BY id";
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Nullable<Text>)]
            entity: Option<String>,
            #[diesel(sql_type = Jsonb)]
            details: Value,
        }
        let mut admin = self.database.admin();
        let rows = diesel::sql_query(SQL).bind::<Text, _>(action).load::<Row>(&mut *admin).unwrap();
        rows.into_iter().map(|row| (row.entity, row.details)).collect()
    }

    pub fn count(&self, table: &str) -> i64 {
        let count = diesel::dsl::sql::<BigInt>(&format!("(SELECT count(*) FROM {table})"));
        diesel::select(count).get_result(&mut *self.database.admin()).unwrap()
    }
}

/// A small business: three roles, two clients with a member each, and tokens for them.
pub struct DirectoryFixture {
    pub stand: IdentityFixture,
    pub owner: Api,
    pub manager: Api,
    pub employee: Api,
    pub member: Api,
    pub service: Api,
    pub owner_id: UserId,
    pub manager_id: UserId,
    pub employee_id: UserId,
    pub member_id: UserId,
    /// A member of `other`.
    pub stranger_id: UserId,
    /// In the charge of `employee`, with `member` in it.
    pub client: ClientId,
    /// Not visible to `employee` and `member`.
    pub other: ClientId,
    pub team: TeamId,
}

impl DirectoryFixture {
    pub async fn new() -> Self {
        Self::on(IdentityFixture::start()).await
    }

    pub async fn on(stand: IdentityFixture) -> Self {
        let platform = stand.service("*", &["*"]);
        platform.post("/tenants", json!({ "slug": "acme", "name": "Acme" })).await.data();
        let service = stand.service("acme", &["directory.*", "tenant.*"]);
        let people = [
            (Rank::Owner, "Awa"),
            (Rank::Manager, "Denis"),
            (Rank::Employee, "Emma"),
            (Rank::Client, "Chloé"),
            (Rank::Client, "Bruno"),
        ];
        let mut ids = Vec::new();
        for (role, name) in people {
            let id = UserId::new();
            let body = json!({ "role": role, "display_name": name, "email": format!("{id}@example.com") });
            service.put(&format!("/users/{id}"), body).await.data();
            ids.push(id);
        }
        let (client, other, team) = (ClientId::new(), ClientId::new(), TeamId::new());
        service
            .put(&format!("/clients/{client}"), json!({ "name": "Atelier", "operator_id": ids[2] }))
            .await
            .data();
        service.put(&format!("/clients/{other}"), json!({ "name": "Boulangerie" })).await.data();
        service.put(&format!("/clients/{client}/members/{}", ids[3]), Value::Null).await.data();
        service.put(&format!("/clients/{other}/members/{}", ids[4]), Value::Null).await.data();
        service.put(&format!("/teams/{team}"), json!({ "name": "Support" })).await.data();
        Self {
            owner: stand.person("acme", ids[0], Rank::Owner),
            manager: stand.person("acme", ids[1], Rank::Manager),
            employee: stand.person("acme", ids[2], Rank::Employee),
            member: stand.person("acme", ids[3], Rank::Client),
            owner_id: ids[0],
            manager_id: ids[1],
            employee_id: ids[2],
            member_id: ids[3],
            stranger_id: ids[4],
            service,
            client,
            other,
            team,
            stand,
        }
    }

    /// The person with a token of a later second than all before.
    pub fn newer(&self, user: UserId, role: Rank) -> Api {
        let token = self.stand.token("acme", &user.to_string(), role);
        let issued_at = token.issued_at.plus(Duration::from_secs(2));
        self.stand.api(Some(self.stand.mint(&NewToken { issued_at, ..token })))
    }
}
