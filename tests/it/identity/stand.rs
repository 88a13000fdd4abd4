//! A server with the routes of this room alone, over a database of its own, and callers of it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use guichet::base::id::{ClientId, TeamId, UserId};
use guichet::base::{Clock, Role};
use guichet::config::{Config, Variables};
use guichet::db::{Db, Settings, migrate, roles};
use guichet::identity::token::{NewToken, mint};
use guichet::identity::{Directory, Gate, Parts, PresenceOf, Status, Tokens, authenticate, routes};
use guichet::web::rate_limit::{Limits, Rate, RateSettings};
use guichet::web::{Conventions, wrap};
use reqwest::{Method, RequestBuilder, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};
use utoipa_actix_web::{AppExt, scope};

pub const SECRET: &str = "a secret for tests, longer than thirty-two bytes";
const SOCKETS: &str = "/var/tmp/mtpg";

pub struct Stand {
    pub url: String,
    pub clock: Clock,
    pub config: Config,
    pub directory: Directory,
    database: String,
    handle: ServerHandle,
    thread: Option<std::thread::JoinHandle<()>>,
}

fn url(role: &str, database: &str) -> String {
    format!("postgres://{role}@%2Fvar%2Ftmp%2Fmtpg/{database}")
}

fn superuser(sql: &str) {
    PgConnection::establish(&url("guichet_super", "postgres")).unwrap().batch_execute(sql).unwrap();
}

fn template() -> &'static str {
    static TEMPLATE: OnceLock<String> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        assert!(std::path::Path::new(SOCKETS).exists());
        let name = "identity_template".to_owned();
        superuser(&format!("DROP DATABASE IF EXISTS {name}"));
        superuser(&format!("CREATE DATABASE {name}"));
        roles::create(&mut PgConnection::establish(&url("guichet_super", &name)).unwrap()).unwrap();
        migrate::up(&mut PgConnection::establish(&url("guichet_owner", &name)).unwrap()).unwrap();
        name
    })
}

fn fresh_database() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    static COPYING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one_at_a_time = COPYING.lock().unwrap();
    let name = format!("identity_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    superuser(&format!("CREATE DATABASE {name} TEMPLATE {} OWNER guichet_owner", template()));
    name
}

impl Stand {
    pub fn start() -> Self {
        Self::with(&[("JIT_USERS", "false")], RateSettings { anonymous: Rate { rps: 0, burst: 0 }, ..off() })
    }

    pub fn with(variables: &[(&str, &str)], rates: RateSettings) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let database = fresh_database();
        let config = Config::load(&Variables::from_iter(variables.iter().copied())).unwrap();
        let clock = Clock::system();
        let db = Db::new(&Settings {
            app_url: url("guichet_app", &database),
            worker_url: url("guichet_worker", &database),
            app_connections: 8,
            worker_connections: 1,
            wait: Duration::from_secs(20),
        });
        let tokens = Tokens::new(&config.tokens, Some(&SecretString::from(SECRET)), clock.clone()).unwrap();
        let directory = Directory::new(Parts {
            db,
            tokens,
            clock: clock.clone(),
            jit_users: config.jit_users(),
            features: config.features.clone(),
            presence: PresenceOf::new(|_, _| Status::Offline),
        });
        let gate = Gate { directory: directory.clone(), limits: Limits::new(rates) };
        let (address, handle, thread) = serve(gate);
        Self {
            url: format!("http://{address}"),
            clock,
            config,
            directory,
            database,
            handle,
            thread: Some(thread),
        }
    }

    pub fn token(&self, tenant: &str, subject: &str, role: Role) -> NewToken {
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
        mint(&self.config.tokens, &SecretString::from(SECRET), new).unwrap()
    }

    pub fn api(&self, token: Option<String>) -> Api {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Api { http, base: format!("{}/api/v1", self.url), token, headers: vec![] }
    }

    pub fn person(&self, tenant: &str, user: UserId, role: Role) -> Api {
        self.api(Some(self.mint(&self.token(tenant, &user.to_string(), role))))
    }

    pub fn service(&self, tenant: &str, scopes: &[&str]) -> Api {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        self.api(Some(self.mint(&NewToken { scopes, ..self.token(tenant, "backend", Role::Service) })))
    }

    /// The rows of the activity log, as its owner's superior sees them.
    pub fn log(&self, action: &str) -> Vec<(Option<String>, Value)> {
        use diesel::prelude::*;
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Text>)]
            entity: Option<String>,
            #[diesel(sql_type = diesel::sql_types::Jsonb)]
            details: Value,
        }
        let mut conn = PgConnection::establish(&url("guichet_super", &self.database)).unwrap();
        let sql = "SELECT entity_type || ' ' || entity_id AS entity, \
                   details || jsonb_build_object('ip', host(ip_address)) AS details \
                   FROM activity_logs WHERE action = $1 ORDER BY id";
        let rows =
            diesel::sql_query(sql).bind::<diesel::sql_types::Text, _>(action).load::<Row>(&mut conn).unwrap();
        rows.into_iter().map(|row| (row.entity, row.details)).collect()
    }

    pub fn count(&self, table_and_condition: &str) -> i64 {
        use diesel::prelude::*;
        let mut conn = PgConnection::establish(&url("guichet_super", &self.database)).unwrap();
        diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(&format!(
            "(SELECT count(*) FROM {table_and_condition})"
        )))
        .get_result(&mut conn)
        .unwrap()
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        superuser(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.database));
    }
}

pub fn off() -> RateSettings {
    let none = Rate { rps: 0, burst: 0 };
    RateSettings { person: none, service: none, webhook: none, anonymous: none }
}

fn serve(gate: Gate) -> (std::net::SocketAddr, ServerHandle, std::thread::JoinHandle<()>) {
    let (report, started) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = HttpServer::new(move || {
                let (gate, directory) = (gate.clone(), gate.directory.clone());
                let api = scope::scope("/api/v1")
                    .wrap(from_fn(move |request, next| authenticate(gate.clone(), request, next)))
                    .configure(routes);
                let (app, _) = App::new().into_utoipa_app().service(api).split_for_parts();
                wrap(app.app_data(web::Data::new(directory)), &Conventions::default())
            })
            .workers(2)
            .disable_signals()
            .bind("127.0.0.1:0")
            .unwrap();
            let address = server.addrs()[0];
            let server = server.run();
            report.send((address, server.handle())).unwrap();
            server.await.unwrap();
        });
    });
    let (address, handle) = started.recv().unwrap();
    (address, handle, thread)
}

/// One caller.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    headers: Vec<(String, String)>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Api {
    /// The same caller, who says this too.
    pub fn saying(&self, name: &str, value: impl ToString) -> Self {
        let mut api = self.clone();
        api.headers.push((name.to_owned(), value.to_string()));
        api
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        let request = self.request(method, path);
        Answer::of(if body.is_null() { request } else { request.json(body) }).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &Value::Null).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, &body).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, &body).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, &body).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &Value::Null).await
    }
}

impl Answer {
    pub async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        Self { status, headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
    }

    #[track_caller]
    pub fn data(&self) -> &Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.body);
        &self.body["data"]
    }

    #[track_caller]
    pub fn refusal(&self) -> (u16, &str) {
        assert!(self.body["data"].is_null(), "{} {}", self.status, self.body);
        (self.status.as_u16(), self.body["error"]["code"].as_str().unwrap_or_default())
    }

    /// Field and code of the only fault.
    #[track_caller]
    pub fn fault(&self) -> (&str, &str) {
        assert_eq!(self.refusal(), (422, "VALIDATION_ERROR"), "{}", self.body);
        let details = self.body["error"]["details"].as_array().unwrap();
        assert_eq!(details.len(), 1, "{}", self.body);
        (details[0]["field"].as_str().unwrap(), details[0]["code"].as_str().unwrap())
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A small business: three ranks, two clients with a member each, and those who reach them.
pub struct Town {
    pub stand: Stand,
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
    /// Which `employee` and `member` do not see.
    pub other: ClientId,
    pub team: TeamId,
}

impl Town {
    pub async fn new() -> Self {
        Self::on(Stand::start()).await
    }

    pub async fn on(stand: Stand) -> Self {
        let platform = stand.service("*", &["*"]);
        platform.post("/tenants", json!({ "slug": "acme", "name": "Acme" })).await.data();
        let service = stand.service("acme", &["directory.*", "tenant.*"]);
        let people = [
            (Role::Owner, "Awa"),
            (Role::Manager, "Denis"),
            (Role::Employee, "Emma"),
            (Role::Client, "Chloé"),
            (Role::Client, "Bruno"),
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
            owner: stand.person("acme", ids[0], Role::Owner),
            manager: stand.person("acme", ids[1], Role::Manager),
            employee: stand.person("acme", ids[2], Role::Employee),
            member: stand.person("acme", ids[3], Role::Client),
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
}
