//! Every field of every body with every hostile value; then every body as a whole.

use futures_util::{StreamExt, stream};
use guichet_base::Role;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::judge::{ResponseChecker, everything};
use super::values::{is_wrong, values};
use crate::api::sample_records::{Caller, SampleRecords, token};
use crate::api::spec::{Operation, operations};
use crate::harness::{ApiResponse, TestServer};

/// Concurrent requests.
const AT_ONCE: usize = 8;
/// Placeholder for the hostile bytes.
const HERE: &str = "\"@here@\"";

struct Shot {
    what: String,
    content_type: &'static str,
    body: Vec<u8>,
    must_be_refused: bool,
}

impl Shot {
    fn json(what: String, body: Vec<u8>, must_be_refused: bool) -> Self {
        Self { what, content_type: "application/json", body, must_be_refused }
    }
}

pub struct BodyTarget {
    pub server: TestServer,
    pub things: SampleRecords,
    pub owner: Caller,
    platform: Caller,
}

impl BodyTarget {
    pub async fn new() -> Self {
        let server = TestServer::start();
        let owner = Caller::new(&server, &server.user("awa").token);
        let service = Caller::new(&server, &server.demo.service_token);
        let platform = Caller::new(&server, &token(&server, "platform", "*", Role::Service));
        let things = SampleRecords::make(&service, &owner, "field").await;
        Self { server, things, owner, platform }
    }

    /// A caller whose request would be accepted if it were valid.
    pub fn caller(&self, operation: &Operation) -> &Caller {
        if operation.path == "/tenants" { &self.platform } else { &self.owner }
    }

    /// The service still works for the same people.
    pub async fn still_answers(&self) {
        let path = format!("/clients/{}/messages", self.things.client);
        let said = json!({"content": "still here"});
        let made = self.owner.must(Method::POST, &path, Some(said)).await;
        assert_eq!(made["content"], "still here");
    }
}

#[tokio::test]
async fn no_value_of_any_body_breaks_anything() {
    let field = BodyTarget::new().await;
    let mut judge = ResponseChecker::new();
    let before = everything(&field.server);
    let mut odd = Vec::new();
    for operation in operations().iter().filter(|operation| operation.body().is_some()) {
        let right = field.things.request_now(operation, &field.owner).await;
        let mut wrong = Vec::new();
        for shot in shots(operation, &right.body.unwrap()) {
            if shot.must_be_refused {
                wrong.push(shot)
            } else {
                odd.push((operation.clone(), right.path.clone(), shot))
            }
        }
        let caller = field.caller(operation);
        let fired = wrong.iter().map(|shot| async {
            (
                format!("{} {}", operation.name(), shot.what),
                fire(caller, &operation.method, &right.path, shot).await,
            )
        });
        for (what, answer) in stream::iter(fired).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await {
            judge.refused(&what, &answer);
            if operation.described["responses"].get(answer.status.as_str()).is_none() {
                judge.wrong.push(format!("{what}: {} is not described", answer.status));
            }
        }
    }
    judge.verdict("bodies to be refused");
    assert_eq!(everything(&field.server), before, "what was refused left something behind");
    let fired = odd.iter().map(|(operation, path, shot)| async {
        let caller = field.caller(operation);
        (format!("{} {}", operation.name(), shot.what), fire(caller, &operation.method, path, shot).await)
    });
    for (what, answer) in stream::iter(fired).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await {
        judge.known(&what, &answer);
    }
    field.still_answers().await;
    judge.verdict("hostile bodies");
}

async fn fire(caller: &Caller, method: &Method, path: &str, shot: &Shot) -> ApiResponse {
    let request = caller.start(method.clone(), path);
    ApiResponse::receive(request.header(CONTENT_TYPE, shot.content_type).body(shot.body.clone())).await
}

fn shots(operation: &Operation, right: &Value) -> Vec<Shot> {
    let mut shots = Vec::new();
    for field in operation.fields() {
        let Some(body) = with_mark(right, &field.pointer) else { continue };
        for hostile in values() {
            // Inside a preview, any JSON is the sender's own.
            let is_free = field.pointer.contains("/preview/") && hostile.kind.is_some();
            let must_be_refused = !is_free && is_wrong(&field.schema, &hostile);
            let what = format!("{} = {}", field.pointer, hostile.label);
            shots.push(Shot::json(what, put(&body, &hostile.json), must_be_refused));
        }
        if field.required && right.pointer(&field.pointer).is_some() {
            let body = without(right, &field.pointer);
            shots.push(Shot::json(format!("{} missing", field.pointer), body.to_string().into(), true));
        }
        let twice = twice(&body, &field.pointer);
        let must_be_refused = !field.pointer.contains("/preview/");
        shots.push(Shot::json(format!("{} twice", field.pointer), twice.into(), must_be_refused));
    }
    shots.extend(unknown_members(operation, right));
    shots.extend(wholes(operation, right));
    shots
}

/// The body with a placeholder for a value. `None` if the value's object is not present.
fn with_mark(right: &Value, pointer: &str) -> Option<String> {
    let mut body = right.clone();
    let (parent, name) = pointer.rsplit_once('/')?;
    let parent = body.pointer_mut(parent)?;
    parent.as_object_mut()?.insert(name.to_owned(), json!("@here@"));
    Some(body.to_string())
}

fn put(body: &str, bytes: &[u8]) -> Vec<u8> {
    let (before, after) = body.split_once(HERE).unwrap();
    [before.as_bytes(), bytes, after.as_bytes()].concat()
}

fn without(right: &Value, pointer: &str) -> Value {
    let mut body = right.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).and_then(Value::as_object_mut).map(|object| object.remove(name));
    body
}

/// The member repeated, with a value of the right type or none.
fn twice(marked: &str, pointer: &str) -> String {
    let name = pointer.rsplit('/').next().unwrap_or_default();
    let member = format!("\"{name}\":{HERE}");
    marked.replace(&member, &format!("\"{name}\":null,\"{name}\":null"))
}

/// An unknown member in the body, and in each of guichet's own objects inside.
fn unknown_members(operation: &Operation, right: &Value) -> Vec<Shot> {
    let own = operation.fields().into_iter().filter(|field| {
        // `preview` and `details` are free.
        !field.pointer.contains("preview") && field.schema["properties"].is_object()
    });
    let pointers = std::iter::once(String::new()).chain(own.map(|field| field.pointer));
    let mut shots = Vec::new();
    for pointer in pointers {
        let mut body = right.clone();
        if let Some(object) = body.pointer_mut(&pointer).and_then(Value::as_object_mut) {
            for name in ["unknown_field", "tenant_id", "", "sender_id"] {
                let mut body = right.clone();
                let object_there = object.contains_key(name);
                if let (false, Some(object)) =
                    (object_there, body.pointer_mut(&pointer).and_then(Value::as_object_mut))
                {
                    object.insert(name.to_owned(), json!("x"));
                    let what = format!("{pointer} with an unknown `{name}`");
                    shots.push(Shot::json(what, body.to_string().into(), true));
                }
            }
        }
    }
    shots
}

/// The body as a whole: not JSON, not an object, or with another content type.
fn wholes(operation: &Operation, right: &Value) -> Vec<Shot> {
    let right = right.to_string();
    let may_be_empty = [
        "POST /conversations/{id}/read",
        "POST /notification-templates/{code}/preview",
        "POST /notifications/{id}/read",
    ]
    .contains(&&*operation.name());
    let wide = format!("{{{}}}", (0..5_000).map(|n| format!("\"k{n}\":{n}")).collect::<Vec<_>>().join(","));
    let mut shots: Vec<Shot> = [
        ("null", "null".to_owned()),
        ("a number", "7".to_owned()),
        ("a text", "\"x\"".to_owned()),
        ("an array", "[]".to_owned()),
        ("the body in an array", format!("[{right}]")),
        ("cut short", right[..right.len() - 1].to_owned()),
        ("something behind", format!("{right}x")),
        ("twice", format!("{right}{right}")),
        ("a byte order mark", format!("\u{FEFF}{right}")),
        ("a comma too many", right.replacen('}', ",}", 1)),
        ("5,000 members", wide),
        ("nested 40 deep", format!("{}{}", "{\"a\":".repeat(40), "1".to_owned() + &"}".repeat(40))),
        ("nested 100,000 deep", "[".repeat(100_000)),
        ("HTML", "<html></html>".to_owned()),
        ("a form", "a=1&b=2".to_owned()),
        ("spaces", "   ".to_owned()),
    ]
    .into_iter()
    .map(|(label, body)| Shot::json(format!("is {label}"), body.into(), true))
    .collect();
    let utf16 = right.encode_utf16().flat_map(u16::to_le_bytes).collect();
    shots.push(Shot::json("is UTF-16".to_owned(), utf16, true));
    shots.push(Shot::json("is not UTF-8".to_owned(), [right.as_bytes(), b"\xFF"].concat(), true));
    shots.push(Shot::json("is 1.5 MiB".to_owned(), vec![b' '; 1_572_864], true));
    shots.push(Shot::json("is empty".to_owned(), Vec::new(), !may_be_empty));
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/xml",
        "*/*",
        "nonsense",
        "application/jsonx",
    ] {
        let what = format!("sent as {content_type}");
        shots.push(Shot { what, content_type, body: right.clone().into(), must_be_refused: true });
    }
    shots
}
