//! Records to use in requests, and valid requests about them.

use guichet::auth::token::{NewToken, mint};
use guichet::notifications::Notifications;
use guichet::notifications::dead_letters::{self, Rejection};
use guichet::notifications::model::EventSource;
use guichet_base::{Error, Role, Timestamp};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

use super::spec::{BASE, Operation};
use crate::harness::{ApiResponse, TestServer};

/// Part of the names of operators and teams.
pub const DESK: &str = "pultnachbar";

/// Every tenant has it; the victim's tenant changed it.
pub const TEMPLATE: &str = "report.generated";

/// One record of each kind, all of one client.
#[derive(Clone, Debug)]
pub struct SampleRecords {
    pub tenant: String,
    pub client: String,
    pub conversation: String,
    pub message: String,
    pub member: String,
    pub operator: String,
    pub team: String,
    pub project: String,
    /// A business event announced to `operator`.
    pub event: String,
    /// To the member, about the message.
    pub delivery: String,
    /// A notification of the owner.
    pub notification: String,
    /// A rejected event from Redis.
    pub rejected: String,
}

/// A client with a token, under a base path.
#[derive(Clone)]
pub struct Caller {
    pub http: reqwest::Client,
    pub base: String,
    pub token: String,
    pub tenant: Option<String>,
    pub notifications: Notifications,
}

/// A request to send.
#[derive(Clone)]
pub struct Request {
    pub method: Method,
    /// Under the base path, with its query.
    pub path: String,
    pub body: Option<Value>,
}

impl Caller {
    pub fn new(server: &TestServer, token: &str) -> Self {
        // reqwest needs a crypto provider, even without TLS.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let notifications = server.app.notifications.clone();
        let base = format!("{}{BASE}", server.url);
        Self { http, base, token: token.to_owned(), tenant: None, notifications }
    }

    pub fn start(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(tenant) = &self.tenant {
            request = request.header("x-tenant", tenant);
        }
        request
    }

    pub async fn send(&self, request: &Request) -> ApiResponse {
        let start = self.start(request.method.clone(), &request.path);
        ApiResponse::receive(match &request.body {
            Some(body) => start.json(body),
            None => start,
        })
        .await
    }

    pub async fn must(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let request = Request { method, path: path.to_owned(), body };
        let answer = self.send(&request).await;
        assert!(answer.status.is_success(), "{} {path}: {} {}", request.method, answer.status, answer.body);
        answer.body["data"].clone()
    }
}

/// A token as an identity provider would issue it.
pub fn token(server: &TestServer, subject: &str, tenant: &str, role: Role) -> String {
    let now = server.clock.now();
    let hour = std::time::Duration::from_secs(3600);
    let scopes = if role == Role::Service { vec!["*".to_owned()] } else { Vec::new() };
    let new = NewToken {
        subject: subject.to_owned(),
        tenant: tenant.to_owned(),
        role,
        clients: Vec::new(),
        scopes,
        name: None,
        email: None,
        locale: None,
        issued_at: now,
        expires_at: Timestamp::plus(now, hour),
    };
    mint(&server.config.tokens, &SecretString::from(crate::harness::JWT_SECRET), &new).unwrap()
}

impl SampleRecords {
    /// Ids that do not exist.
    pub fn nowhere() -> Self {
        let new = || Uuid::now_v7().to_string();
        Self {
            tenant: new(),
            client: new(),
            conversation: new(),
            message: new(),
            member: new(),
            operator: new(),
            team: new(),
            project: new(),
            event: new(),
            delivery: new(),
            notification: new(),
            rejected: new(),
        }
    }

    /// Created by `service`, with messages of `owner`. `mark` is part of every text of the client, [`DESK`] of texts
    /// that all operators of the tenant may read.
    pub async fn make(service: &Caller, owner: &Caller, mark: &str) -> Self {
        let mut things = Self::nowhere();
        let me = owner.must(Method::GET, "/me", None).await;
        things.tenant = me["tenant"]["id"].as_str().unwrap().to_owned();
        let (put, post) = (Method::PUT, Method::POST);
        let person = |role: &str, mark: &str| {
            let email = format!("{}@{mark}.example", Uuid::now_v7().simple());
            Some(json!({"role": role, "display_name": format!("{mark} {role}"), "email": email}))
        };
        service.must(put.clone(), &format!("/users/{}", things.operator), person("employee", DESK)).await;
        service.must(put.clone(), &format!("/users/{}", things.member), person("client", mark)).await;
        let client = json!({"name": format!("{mark} client"), "details": {"note": mark}});
        service.must(put.clone(), &format!("/clients/{}", things.client), Some(client)).await;
        let path = format!("/clients/{}/members/{}", things.client, things.member);
        service.must(put.clone(), &path, None).await;
        let team = json!({"name": format!("{DESK} team {}", things.team)});
        service.must(put.clone(), &format!("/teams/{}", things.team), Some(team)).await;
        service.must(put, &format!("/teams/{}/members/{}", things.team, things.operator), None).await;
        let project = json!({"client_id": things.client, "name": format!("{mark} project")});
        let made = service.must(post.clone(), "/projects", Some(project)).await;
        things.project = made["id"].as_str().unwrap().to_owned();
        let room = json!({"client_id": things.client});
        let made = owner.must(post.clone(), "/conversations", Some(room)).await;
        things.conversation = made["id"].as_str().unwrap().to_owned();
        let words = json!({"content": format!("{mark} bonjour"), "related":
            {"type": "order", "id": "A-1042", "preview": {"title": format!("{mark} order")}}});
        let made = owner.must(post, &format!("/clients/{}/messages", things.client), Some(words)).await;
        things.message = made["id"].as_str().unwrap().to_owned();
        let told = json!({"event": "task.assigned",
            "payload": {"user_id": things.operator, "task_id": "1", "title": format!("{DESK} task")}});
        let made = service.must(Method::POST, "/events", Some(told)).await;
        things.event = made["id"].as_str().unwrap().to_owned();
        let planned = owner.must(Method::GET, &format!("/deliveries?user_id={}", things.member), None).await;
        things.delivery = planned[0]["id"].as_str().unwrap().to_owned();
        let told = json!({"event": "task.assigned",
            "payload": {"user_id": me["user"]["id"], "task_id": "1", "title": format!("{mark} task")}});
        service.must(Method::POST, "/events", Some(told)).await;
        let told = owner.must(Method::GET, "/notifications?sort=recent&limit=1", None).await;
        things.notification = told[0]["id"].as_str().unwrap().to_owned();
        // Already read, so that reading it again without a body changes nothing.
        owner.must(Method::PUT, &format!("/notifications/{}/read", things.notification), None).await;
        things.rejected = things.reject(owner, mark).await;
        let words = json!({"texts": {"en": {"title": format!("{mark} {{{{ name }}}}")}}, "force": true});
        owner.must(Method::PUT, &format!("/notification-templates/{TEMPLATE}"), Some(words)).await;
        things
    }

    /// Stores an event as rejected, as if it came over Redis with a missing field.
    async fn reject(&self, owner: &Caller, mark: &str) -> String {
        let payload = json!({"user_id": self.operator, "mandat_id": "1", "note": format!("{mark} mandat")});
        let body = json!({"event": "mandat.created", "payload": payload});
        let error = Error::invalid("payload.title", "missing");
        let rejection =
            Rejection { source: EventSource::Stream, dedup_key: None, body: &body, error: &error };
        dead_letters::store_rejection(&owner.notifications, self.tenant.parse().unwrap(), &rejection)
            .await
            .unwrap();
        let kept = owner.must(Method::GET, "/events/rejected?limit=1", None).await;
        kept[0]["id"].as_str().unwrap().to_owned()
    }

    /// The id for a parameter of a path.
    fn of_path(&self, collection: &str, parameter: &str) -> &str {
        match (collection, parameter) {
            ("clients", "id") => &self.client,
            ("conversations", "id") => &self.conversation,
            ("messages", "id") => &self.message,
            ("users", "id") => &self.member,
            ("teams", "id") => &self.team,
            ("projects", "id") => &self.project,
            ("events", "id") => &self.event,
            ("rejected in events", "id") => &self.rejected,
            ("deliveries", "id") => &self.delivery,
            ("notifications", "id") => &self.notification,
            ("notification-templates", "code") => TEMPLATE,
            ("tenants", "tenantId") => &self.tenant,
            ("conversation in tenants", "userId") => &self.operator,
            ("messaging in tenants", "messageId") => &self.message,
            ("notifications in tenants", "notificationId") => &self.notification,
            ("members in clients", "user_id") => &self.member,
            ("members in teams", "user_id") => &self.operator,
            ("preferences" | "notification-overrides in clients", "category") => "message",
            (collection, parameter) => {
                panic!("which record is `{{{parameter}}}` of `{collection}`? Say so in api::things")
            }
        }
    }

    /// The path of an operation on these records.
    pub fn path(&self, operation: &Operation) -> String {
        let segments: Vec<&str> = operation.path.split('/').collect();
        let filled = segments.iter().enumerate().map(|(at, segment)| {
            let Some(parameter) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
                return (*segment).to_owned();
            };
            let collection = match at {
                2 => segments[1].to_owned(),
                _ => format!("{} in {}", segments[at - 1], segments[1]),
            };
            self.of_path(&collection, parameter).to_owned()
        });
        filled.collect::<Vec<_>>().join("/")
    }

    /// Ids for fields of a body or a query, by name.
    pub fn of_name(&self, name: &str) -> Option<&str> {
        match name {
            "client_id" => Some(&self.client),
            "operator_id" | "user_id" | "toUserId" => Some(&self.operator),
            "team_id" => Some(&self.team),
            "conversation_id" => Some(&self.conversation),
            "message_id" => Some(&self.message),
            "event_id" => Some(&self.event),
            _ => None,
        }
    }

    /// The documented body, about these records.
    pub fn body(&self, operation: &Operation) -> Option<Value> {
        let mut body = operation.example()?;
        self.put_ids(&mut body);
        Some(body)
    }

    fn put_ids(&self, value: &mut Value) {
        if let Value::Object(members) = value {
            for (name, value) in members {
                match self.of_name(name) {
                    Some(id) => *value = json!(id),
                    None => self.put_ids(value),
                }
            }
        }
    }

    /// The required query parameters only.
    pub fn query(&self, operation: &Operation) -> String {
        let required = operation.query().into_iter().filter(|parameter| parameter.required);
        let pairs: Vec<String> = required
            .map(|parameter| {
                let value = match parameter.name.as_str() {
                    "q" => "bonjour",
                    "related_type" => "order",
                    "related_id" => "A-1042",
                    name => self.of_name(name).unwrap_or_else(|| {
                        panic!("{}: a value for `{name}`? Say so in api::things", operation.name())
                    }),
                };
                format!("{}={value}", parameter.name)
            })
            .collect();
        if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
    }

    /// The described request, about these records.
    pub fn request(&self, operation: &Operation) -> Request {
        let path = self.path(operation) + &self.query(operation);
        Request { method: operation.method.clone(), path, body: self.body(operation) }
    }

    /// The same with every id that the body may contain.
    pub fn request_naming(&self, operation: &Operation) -> Request {
        let mut request = self.request(operation);
        if let Some(body) = request.body.as_mut().and_then(Value::as_object_mut) {
            for field in operation.fields() {
                let name = field.pointer.trim_start_matches('/');
                if let Some(id) = self.of_name(name) {
                    body.insert(name.to_owned(), json!(id));
                }
            }
        }
        request
    }

    /// The same, based on the current version.
    pub async fn request_now(&self, operation: &Operation, reader: &Caller) -> Request {
        let mut request = self.request(operation);
        if let Some(at) = request.body.as_mut().and_then(|body| body.get_mut("updated_at")) {
            let path = self.path(operation);
            let now = reader.send(&Request { method: Method::GET, path, body: None }).await;
            let data = &now.body["data"];
            let version = data.get("updated_at").or_else(|| data["user"].get("updated_at"));
            *at = version.cloned().unwrap_or_else(|| panic!("{}: no version to base on", operation.name()));
        }
        request
    }
}
