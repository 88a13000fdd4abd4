//! Every operation of the API without a token, as a stranger of another tenant, and as people of another client:
//! refused in the same way whether or not the record exists, without a word of the victim's in any response, and
//! without a change of the victim's rows.
//!
//! Requests are generated from the API's own description, so that no operation can be forgotten.

use std::collections::BTreeMap;

use guichet_base::Role;
use guichet_db::embedded::LoginRole as Login;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::sample_records::{Caller, DESK, Request, SampleRecords, token};
use crate::api::spec::{Operation, operations};
use crate::harness::{ApiResponse, TestServer};
use crate::hostile::judge::digest;

/// Part of every text of the victim's.
const CANARY: &str = "kanarienvogel";

struct Fixture {
    server: TestServer,
    victim: SampleRecords,
    /// The same kinds of records, not existing.
    nowhere: SampleRecords,
}

/// A person who must not see the victim.
struct Stranger {
    label: &'static str,
    caller: Caller,
    /// Whether they are in the victim's tenant, where they may know its people and teams.
    is_near: bool,
}

impl Fixture {
    async fn lay() -> (Self, Vec<Stranger>) {
        let server = TestServer::start();
        let service = Caller::new(&server, &server.demo.service_token);
        let owner = Caller::new(&server, &server.user("awa").token);
        let victim = SampleRecords::make(&service, &owner, CANARY).await;
        let strangers = strangers(&server, &service).await;
        // The tenant in a path is not secret.
        let nowhere = SampleRecords { tenant: victim.tenant.clone(), ..SampleRecords::nowhere() };
        (Self { server, victim, nowhere }, strangers)
    }

    /// The rows of the victim's tenant, except those about the stranger's refused attempts.
    fn rows(&self, stranger: &str) -> BTreeMap<String, String> {
        let tenant = self.server.demo.tenant_id;
        let rows = format!(
            "coalesce(r->>'tenant_id', r->>'id') = '{tenant}' AND r->>'id' IS DISTINCT FROM '{stranger}' \
             AND NOT ((r ? 'token_expires_at' OR r ? 'channel_inapp' OR r ? 'digest_mode') AND r->>'user_id' = '{stranger}')"
        );
        digest(&mut self.server.database.connect(Login::Admin), &rows)
    }
}

async fn strangers(server: &TestServer, service: &Caller) -> Vec<Stranger> {
    let mut all = Vec::new();
    for (label, role) in [
        ("another tenant's owner", Role::Owner),
        ("another tenant's manager", Role::Manager),
        ("another tenant's employee", Role::Employee),
        ("another tenant's member", Role::Client),
    ] {
        let (tenant, there) = elsewhere(server).await;
        let id = Uuid::now_v7().to_string();
        let body = json!({"role": role.into_str(), "display_name": label});
        there.must(Method::PUT, &format!("/users/{id}"), Some(body)).await;
        all.push(Stranger {
            label,
            caller: Caller::new(server, &token(server, &id, &tenant, role)),
            is_near: false,
        });
    }
    let (_, there) = elsewhere(server).await;
    all.push(Stranger { label: "another tenant's service", caller: there, is_near: false });
    // The victim's tenant in a header counts only for tokens of all tenants.
    let (tenant, _) = elsewhere(server).await;
    let token = token(server, "poser", &tenant, Role::Service);
    let posing = Caller { tenant: Some(server.demo.tenant_id.to_string()), ..Caller::new(server, &token) };
    all.push(Stranger { label: "another tenant's service posing", caller: posing, is_near: false });
    let near = |label, name: &str| Stranger {
        label,
        caller: Caller::new(server, &server.user(name).token),
        is_near: true,
    };
    all.push(near("another client's member", "bruno"));
    all.push(near("another client's employee", "karim"));
    let alone = Uuid::now_v7().to_string();
    let body = json!({"role": "client", "display_name": "member of nothing"});
    service.must(Method::PUT, &format!("/users/{alone}"), Some(body)).await;
    let tenant = server.demo.tenant_id.to_string();
    let token = crate::api::sample_records::token(server, &alone, &tenant, Role::Client);
    let caller = Caller::new(server, &token);
    all.push(Stranger { label: "a member of no client", caller, is_near: true });
    all
}

/// A separate tenant for each stranger, with a service token.
async fn elsewhere(server: &TestServer) -> (String, Caller) {
    let platform = Caller::new(server, &token(server, "platform", "*", Role::Service));
    let slug = format!("t-{}", Uuid::now_v7().simple());
    let made =
        platform.must(Method::POST, "/tenants", Some(json!({"slug": slug, "name": "Elsewhere"}))).await;
    let tenant = made["id"].as_str().unwrap().to_owned();
    let there = Caller::new(server, &token(server, "elsewhere", &tenant, Role::Service));
    (tenant, there)
}

/// All operations; those that create a record under another's id come last.
fn upserts_last() -> Vec<Operation> {
    let mut all = operations();
    all.sort_by_key(|operation| operation.method == Method::PUT && operation.path.ends_with("/{id}"));
    all
}

#[tokio::test]
async fn nobody_gets_in_without_a_token() {
    let (ground, _) = Fixture::lay().await;
    let before = ground.rows("");
    let nobody = Caller::new(&ground.server, "");
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for operation in operations() {
        for base in ["/api/v1", "/api"] {
            let nobody = Caller { base: format!("{}{base}", ground.server.url), ..nobody.clone() };
            for body in [ground.victim.body(&operation), None, Some(json!(["nonsense"]))] {
                let path = ground.victim.path(&operation);
                let answer = nobody.send(&Request { method: operation.method.clone(), path, body }).await;
                tried += 1;
                let is_refused = answer.status == 401
                    && answer.body["error"]["code"] == "UNAUTHENTICATED"
                    && answer.body["data"].is_null()
                    && answer.headers.get("www-authenticate").is_some_and(|value| value == "Bearer");
                if !is_refused || speaks(&answer, false) {
                    wrong.push(format!("{base} {}: {} {}", operation.name(), answer.status, answer.body));
                }
            }
        }
    }
    println!("without a token: {} operations, {tried} requests", operations().len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(ground.rows(""), before);
}

#[tokio::test]
async fn a_stranger_gets_nothing_of_anybody_s_and_cannot_tell_what_is_there() {
    let (ground, strangers) = Fixture::lay().await;
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for stranger in &strangers {
        let me = subject(&stranger.caller.token);
        let before = ground.rows(&me);
        // The documented body, then the same with every possible id.
        let requests =
            upserts_last().into_iter().flat_map(|operation| [(operation.clone(), false), (operation, true)]);
        let requests = requests.filter(|(operation, _)| !is_between_colleagues(stranger, operation));
        for (operation, with_ids) in requests {
            let of = |things: &SampleRecords| match with_ids {
                true => things.request_naming(&operation),
                false => things.request(&operation),
            };
            let there = stranger.caller.send(&of(&ground.victim)).await;
            let nowhere = stranger.caller.send(&of(&ground.nowhere)).await;
            tried += 2;
            let mut say = |what: &str| {
                wrong.push(format!(
                    "{} {}: {what}: {} {}",
                    stranger.label,
                    operation.name(),
                    there.status,
                    there.body
                ));
            };
            if speaks(&there, stranger.is_near) || speaks(&nowhere, stranger.is_near) {
                say("speaks of the victim");
            }
            if !is_answer(stranger, &operation, &there) {
                say("is no refusal");
            }
            let (seen, unseen) = (blind(&there), blind(&nowhere));
            if is_secret(stranger, &operation) && seen != unseen {
                say(&format!("differs from what is not there: {unseen}"));
            }
        }
        let after = ground.rows(&me);
        for (table, digest) in &before {
            if after.get(table) != Some(digest) {
                wrong.push(format!("{} changed `{table}` of the victim's tenant", stranger.label));
            }
        }
    }
    println!("strangers: {} operations, {} strangers, {tried} requests", operations().len(), strangers.len());
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong[..wrong.len().min(60)].join("\n"));
}

fn subject(token: &str) -> String {
    use base64::Engine;
    let claims = token.split('.').nth(1).unwrap();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    claims["sub"].as_str().unwrap().to_owned()
}

/// Whether the victim's mark is in the response, in its body or headers. Within a tenant, operators and teams are
/// known.
fn speaks(answer: &ApiResponse, is_near: bool) -> bool {
    let text = format!("{:?} {}", answer.headers, answer.body);
    let words = [CANARY, "Atelier Nord", DESK, "Awa Diallo"];
    words[..if is_near { 2 } else { 4 }].iter().any(|word| text.contains(word))
}

/// Operations of another client's employee on the victim's operator: they are colleagues (`chat::direct` tests
/// the roles that may write to each other).
fn is_between_colleagues(stranger: &Stranger, operation: &Operation) -> bool {
    let is_direct = ["/messaging/message", "/messaging/conversation/{userId}"];
    stranger.label == "another client's employee" && is_direct.iter().any(|end| operation.path.ends_with(end))
}

/// The path without its tenant, if that is the stranger's own.
fn own_path<'o>(stranger: &Stranger, operation: &'o Operation) -> &'o str {
    let path = operation.path.as_str();
    // A category is not a record.
    let path = path.strip_suffix("/{category}").filter(|path| *path == "/preferences").unwrap_or(path);
    let within = path.strip_prefix("/tenants/{tenantId}").filter(|_| stranger.is_near);
    within.unwrap_or(path)
}

/// Records that every tenant has under the same name: `speaks` and the victim's rows show whether they are mixed up.
fn is_of_every_tenant(operation: &Operation) -> bool {
    operation.path.starts_with("/notification-templates")
}

/// Whether the operation is about a record that the stranger may not see.
fn is_secret(stranger: &Stranger, operation: &Operation) -> bool {
    let names_one = own_path(stranger, operation).contains('{') || operation.body().is_some();
    names_one && !(stranger.is_near && operation.path.starts_with("/teams")) && !is_of_every_tenant(operation)
}

/// Refused, or about the stranger's own: lists without the victim, and ids that are new in the stranger's tenant.
fn is_answer(stranger: &Stranger, operation: &Operation, answer: &ApiResponse) -> bool {
    let is_upsert = operation.method == Method::PUT && operation.path.ends_with("/{id}") && !stranger.is_near;
    let is_near_team = stranger.is_near && operation.path.starts_with("/teams");
    let is_own_copy = !stranger.is_near && is_of_every_tenant(operation);
    let is_own = !own_path(stranger, operation).contains('{') || is_upsert || is_near_team || is_own_copy;
    match answer.status.as_u16() {
        403 | 404 => true,
        // A value of the body is wrong, independently of the record.
        422 => true,
        200 | 201 | 202 | 409 | 412 | 428 => is_own,
        _ => false,
    }
}

/// The response without what always differs: ids, times, the request id.
fn blind(answer: &ApiResponse) -> String {
    let mut body = answer.body.clone();
    forget(&mut body);
    format!("{} {body}", answer.status)
}

fn forget(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| {
                !["request_id", "requestId", "created_at", "updated_at", "changed_at"]
                    .contains(&name.as_str())
            });
            members.values_mut().for_each(forget);
        }
        Value::Array(items) => items.iter_mut().for_each(forget),
        Value::String(text) if text.parse::<Uuid>().is_ok() => *value = Value::from("an id"),
        _ => {}
    }
}
