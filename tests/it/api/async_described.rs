//! `asyncapi.yaml` matches the code and is complete: it has every name that the code emits or accepts, and no others.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use guichet::app::asyncapi;
use guichet::app::socket_backend::COMMAND_NAMES;
use guichet::{chat, notifications};
use serde_json::Value;

use super::async_spec::{Described, event_key};
use super::sample_records::Caller;
use crate::harness::TestServer;
use reqwest::Method;

/// Described before the code that emits them exists.
const AHEAD: [&str; 2] = ["presence:update", "presence:operator:"];
/// Prefixes of event and command names; topics may have them, too.
const FAMILIES: [&str; 6] = ["messaging:", "notify:", "presence:", "ticket:", "meeting:", "token:"];
/// Folders where names are not emitted: tests, the description itself, and translations of names.
const NOT_SAID: [&str; 3] = ["tests", "asyncapi", "afritalk"];

#[test]
fn the_file_is_what_the_code_says() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("asyncapi.yaml");
    let now = asyncapi::yaml().unwrap();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == now, "asyncapi.yaml is stale: run `make asyncapi`");
}

#[test]
fn every_command_is_described_with_its_answer_and_no_other() {
    let described = Described::new();
    assert_eq!(described.names("command_"), BTreeSet::from(COMMAND_NAMES));
    for command in COMMAND_NAMES {
        let key = format!("command_{}", command.replace(':', "_"));
        let operation = &described.document["operations"][&key];
        assert_eq!(operation["action"], "receive", "{command}");
        let answer = operation["reply"]["messages"][0]["$ref"].as_str().unwrap();
        assert!(answer.ends_with(&key.replace("command_", "reply_")), "{command}: {answer}");
        assert_eq!(operation["reply"]["messages"].as_array().unwrap().len(), 2, "{command} and its refusal");
    }
}

#[test]
fn every_event_of_chat_is_described_and_no_other() {
    let described = Described::new();
    let of_chat: BTreeSet<&str> =
        described.names("event_").into_iter().filter(|name| name.starts_with("messaging:")).collect();
    assert_eq!(of_chat, BTreeSet::from(chat::EVENTS));
}

#[test]
fn every_event_of_notifications_is_described_and_no_other() {
    let described = Described::new();
    let of_feeds: BTreeSet<&str> =
        described.names("event_").into_iter().filter(|name| name.starts_with("notify:")).collect();
    assert_eq!(of_feeds, BTreeSet::from(notifications::socket_events::EVENTS));
}

/// In whatever file a name is written, it must be described.
#[test]
fn every_name_that_the_sources_write_is_described_and_the_reverse() {
    let described = Described::new();
    let mut known: BTreeSet<String> =
        described.messages().map(|(_, m)| m["name"].as_str().unwrap().into()).collect();
    known.retain(|name| FAMILIES.iter().any(|family| name.starts_with(family)));
    let written = names_in_sources();
    let missing: Vec<_> = written.difference(&known).collect();
    assert!(missing.is_empty(), "not described in src/app/asyncapi: {missing:?}");
    let ahead = |name: &&String| !AHEAD.contains(&name.as_str());
    let invented: Vec<_> = known.difference(&written).filter(ahead).collect();
    assert!(invented.is_empty(), "described, and said by nobody: {invented:?}");
}

#[test]
fn every_topic_that_the_sources_know_is_described_and_the_reverse() {
    let described = Described::new();
    let channels = described.document["channels"].as_object().unwrap().values();
    let known: BTreeSet<String> = channels
        .filter_map(|channel| channel["address"].as_str())
        .filter(|address| *address != "{topic}")
        .map(|address| address[..address.find('{').unwrap()].to_owned())
        .collect();
    let mut written = BTreeSet::new();
    each_line("src/app", &mut |line| {
        let topics = line.split("strip_prefix(\"").skip(1).filter_map(|rest| rest.split('"').next());
        written.extend(topics.filter(|prefix| prefix.ends_with(':')).map(str::to_owned));
    });
    let missing: Vec<_> = written.difference(&known).collect();
    assert!(missing.is_empty(), "not described in src/app/asyncapi/topics.rs: {missing:?}");
    let ahead = |name: &&String| !AHEAD.contains(&name.as_str());
    let invented: Vec<_> = known.difference(&written).filter(ahead).collect();
    assert!(invented.is_empty(), "described, and joined by nobody: {invented:?}");
}

#[test]
fn every_example_is_what_its_schema_says() {
    let described = Described::new();
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for (key, message) in described.messages() {
        let examples = message["examples"].as_array().unwrap();
        assert!(!examples.is_empty(), "{key} has no example");
        for example in examples {
            tried += 1;
            wrong.extend(described.faults(key, &example["payload"]));
            if message["x-durable"] == true {
                wrong.extend(described.judge(&message["headers"], &example["headers"], key));
            } else {
                assert!(message.get("headers").is_none(), "{key} is of the moment");
            }
        }
    }
    assert!(tried > 30, "only {tried} examples");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A frame of a server's `x-frames`: its payload, in guichet's own naming convention.
fn opened(server: &str, frame: &str, message: &str) -> Value {
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|_| panic!("{text}"));
    let is_reply = message.starts_with("reply_") || message.starts_with("error_");
    let (event, payload) = match server {
        "phoenixV2" => {
            let frame = json(frame);
            assert_eq!(frame.as_array().map(Vec::len), Some(5), "{frame}");
            (frame[3].clone(), frame[4].clone())
        }
        "phoenixV1" => (json(frame)["event"].clone(), json(frame)["payload"].clone()),
        "plain" => (json(frame)["event"].clone(), json(frame)["payload"].clone()),
        "socketIo" => {
            let start = frame.find('[').unwrap();
            assert!(frame[..start].starts_with(if is_reply { "43" } else { "42" }), "{frame}");
            let parts = snake(&json(&frame[start..]));
            match is_reply {
                true => (Value::Null, parts[0].clone()),
                false => (parts[0].clone(), parts[1].clone()),
            }
        }
        other => panic!("nobody knows how to read {other}"),
    };
    match event.as_str() {
        _ if is_reply => payload["response"].clone(),
        Some("broadcast") => payload["payload"].clone(),
        _ => payload,
    }
}

fn snake(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let key = |key: &String| {
                key.chars().fold(String::new(), |mut out, c| {
                    if c.is_ascii_uppercase() {
                        out.push('_');
                    }
                    out.push(c.to_ascii_lowercase());
                    out
                })
            };
            members.iter().map(|(name, value)| (key(name), snake(value))).collect()
        }
        Value::Array(items) => items.iter().map(snake).collect(),
        other => other.clone(),
    }
}

#[test]
fn the_frames_of_each_wire_form_carry_what_is_described() {
    let described = Described::new();
    let servers = described.document["servers"].as_object().unwrap();
    assert_eq!(servers.len(), 4);
    let mut wrong = Vec::new();
    for (server, about) in servers {
        let mut carried = BTreeSet::new();
        for frame in about["x-frames"].as_array().unwrap() {
            let Some(message) = frame["message"].as_str() else { continue };
            carried.insert(message);
            let payload = opened(server, frame["frame"].as_str().unwrap(), message);
            wrong
                .extend(described.faults(message, &payload).iter().map(|fault| format!("{server}: {fault}")));
        }
        for needed in ["join", "reply_join", "command_messaging_read", "error_command", "reply_heartbeat"] {
            assert!(carried.contains(needed), "{server} shows no {needed}");
        }
        assert!(carried.contains(&*event_key("messaging:read")), "{server} shows no event");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn the_service_shows_the_description_as_it_is_kept_and_as_a_page() {
    let server = TestServer::start();
    let caller = Caller::new(&server, "");
    let get = async |path: &str| {
        let answer = caller.http.request(Method::GET, format!("{}{path}", server.url)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    };
    assert!(get("/asyncapi.yaml").await == asyncapi::yaml().unwrap());
    let page = get("/docs/sockets").await;
    for (key, _) in Described::new().messages() {
        assert!(page.contains(&format!("id=\"{key}\"")), "{key} is not on the page");
    }
    for foreign in ["<script", "http://", "https://"] {
        assert!(!page.contains(foreign), "the page needs {foreign}");
    }
    let rest: Value = serde_json::to_value(guichet::app::openapi::describe()).unwrap();
    assert!(
        rest["info"]["description"].as_str().unwrap().contains("(/docs/sockets)"),
        "/docs links the page"
    );
}

/// Names such as `"messaging:new"` in the sources, outside tests and the description itself.
fn names_in_sources() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut look = |line: &str| {
        // A name is a whole string literal.
        for text in line.split('"').skip(1).step_by(2) {
            let rest = FAMILIES.iter().find_map(|family| text.strip_prefix(family));
            if rest.is_some_and(|rest| {
                !rest.is_empty() && rest.chars().all(|c| c.is_ascii_lowercase() || c == '_')
            }) {
                found.insert(text.to_owned());
            }
        }
    };
    ["src", "crates"].into_iter().for_each(|root| each_line(root, &mut look));
    found
}

fn each_line(root: &str, look: &mut impl FnMut(&str)) {
    fn walk(folder: &Path, look: &mut impl FnMut(&str)) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            if path.is_dir() && !NOT_SAID.contains(&name) {
                walk(&path, look);
            } else if path.extension().is_some_and(|kind| kind == "rs") && name != "tests" {
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                code.lines().filter(|line| !line.trim_start().starts_with("//")).for_each(&mut *look);
            }
        }
    }
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(root), look);
}
