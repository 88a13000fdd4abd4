//! The description is valid AsyncAPI 3.0: required fields are present, present fields are allowed, and references
//! resolve.

use std::collections::BTreeSet;

use serde_json::Value;

use super::async_spec::Described;

/// Objects of the document, with the fields that AsyncAPI 3.0 defines (required ones are marked by `!`). Extensions
/// (`x-…`) are allowed anywhere.
const DOCUMENT: [&str; 8] =
    ["asyncapi!", "id", "info!", "servers", "defaultContentType", "channels", "operations", "components"];
const INFO: [&str; 8] =
    ["title!", "version!", "description", "termsOfService", "contact", "license", "tags", "externalDocs"];
const SERVER: [&str; 12] = [
    "host!",
    "protocol!",
    "protocolVersion",
    "pathname",
    "description",
    "title",
    "summary",
    "variables",
    "security",
    "tags",
    "externalDocs",
    "bindings",
];
const CHANNEL: [&str; 10] = [
    "address!",
    "messages",
    "title",
    "summary",
    "description",
    "servers",
    "parameters",
    "tags",
    "externalDocs",
    "bindings",
];
const OPERATION: [&str; 12] = [
    "action!",
    "channel!",
    "title",
    "summary",
    "description",
    "security",
    "tags",
    "externalDocs",
    "bindings",
    "traits",
    "messages",
    "reply",
];
const REPLY: [&str; 3] = ["address", "channel", "messages"];
const MESSAGE: [&str; 13] = [
    "headers",
    "payload",
    "correlationId",
    "contentType",
    "name",
    "title",
    "summary",
    "description",
    "tags",
    "externalDocs",
    "bindings",
    "examples",
    "traits",
];
const EXAMPLE: [&str; 4] = ["headers", "payload", "name", "summary"];
const PARAMETER: [&str; 5] = ["enum", "default", "description", "examples", "location"];
const COMPONENTS: [&str; 4] = ["messages", "schemas", "securitySchemes", "operationTraits"];

struct SchemaValidator {
    document: Value,
    wrong: Vec<String>,
}

impl SchemaValidator {
    fn object(&mut self, at: &str, value: &Value, fields: &[&str]) {
        let Some(members) = value.as_object() else { return self.wrong.push(format!("{at} is no object")) };
        for field in fields.iter().filter_map(|field| field.strip_suffix('!')) {
            if !members.contains_key(field) {
                self.wrong.push(format!("{at} lacks {field}"));
            }
        }
        let known: BTreeSet<&str> = fields.iter().map(|field| field.trim_end_matches('!')).collect();
        for name in members.keys().filter(|name| !name.starts_with("x-") && !known.contains(name.as_str())) {
            self.wrong.push(format!("{at}.{name} is no field of AsyncAPI"));
        }
    }

    /// A list of references, each to something under `base`.
    fn refs(&mut self, at: &str, list: &Value, base: &str) {
        for one in list.as_array().into_iter().flatten() {
            let target = one["$ref"].as_str().unwrap_or_default().to_owned();
            self.reference(at, &target, base);
        }
    }

    fn reference(&mut self, at: &str, target: &str, base: &str) {
        if !target.starts_with(base) || self.document.pointer(target.trim_start_matches('#')).is_none() {
            self.wrong.push(format!("{at}: {target:?} is nothing under {base}"));
        }
    }

    fn every_reference(&mut self, at: &str, value: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(target) = members.get("$ref").and_then(Value::as_str) {
                    self.reference(at, target, "#/");
                }
                for (key, value) in members {
                    self.every_reference(&format!("{at}.{key}"), value);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.every_reference(at, item)),
            _ => {}
        }
    }
}

/// The parameters in braces.
fn parameters(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect()
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect()
}

fn members(value: &Value) -> Vec<(String, Value)> {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
}

#[test]
fn the_document_is_asyncapi_3() {
    let document = Described::new().document;
    let mut judge = SchemaValidator { document: document.clone(), wrong: Vec::new() };
    assert_eq!(document["asyncapi"], "3.0.0");
    judge.object("document", &document, &DOCUMENT);
    judge.object("info", &document["info"], &INFO);
    judge.object("components", &document["components"], &COMPONENTS);
    for (key, server) in members(&document["servers"]) {
        judge.object(&key, &server, &SERVER);
        assert!(matches!(server["protocol"].as_str(), Some("ws" | "wss")), "{key}");
        let named = format!("{}{}", server["host"].as_str().unwrap(), server["pathname"].as_str().unwrap());
        assert_eq!(parameters(&named), keys(&server["variables"]), "{key}");
        judge.refs(&key, &server["security"], "#/components/securitySchemes/");
    }
    for (key, channel) in members(&document["channels"]) {
        judge.object(&key, &channel, &CHANNEL);
        assert_eq!(
            parameters(channel["address"].as_str().unwrap_or_default()),
            keys(&channel["parameters"]),
            "{key}"
        );
        assert!(!keys(&channel["messages"]).is_empty(), "{key} carries nothing");
        judge.refs(&key, &channel["servers"], "#/servers/");
        for (name, message) in members(&channel["messages"]) {
            judge.reference(
                &key,
                message["$ref"].as_str().unwrap(),
                &format!("#/components/messages/{name}"),
            );
        }
        for (name, parameter) in members(&channel["parameters"]) {
            judge.object(&name, &parameter, &PARAMETER);
        }
    }
    for (key, operation) in members(&document["operations"]) {
        judge.object(&key, &operation, &OPERATION);
        assert!(matches!(operation["action"].as_str(), Some("send" | "receive")), "{key}");
        let channel = operation["channel"]["$ref"].as_str().unwrap();
        judge.reference(&key, channel, "#/channels/");
        judge.refs(&key, &operation["messages"], &format!("{channel}/messages/"));
        if operation["action"] == "receive" {
            judge.object(&key, &operation["reply"], &REPLY);
            let channel = operation["reply"]["channel"]["$ref"].as_str().unwrap();
            judge.reference(&key, channel, "#/channels/");
            judge.refs(&key, &operation["reply"]["messages"], &format!("{channel}/messages/"));
        }
    }
    for (key, message) in members(&document["components"]["messages"]) {
        judge.object(&key, &message, &MESSAGE);
        for example in message["examples"].as_array().unwrap() {
            judge.object(&key, example, &EXAMPLE);
        }
    }
    judge.every_reference("document", &document);
    assert!(judge.wrong.is_empty(), "{}", judge.wrong.join("\n"));
}

#[test]
fn nothing_is_described_that_no_operation_uses() {
    let document = Described::new().document;
    let text = document.to_string();
    for kind in ["messages", "schemas", "securitySchemes"] {
        for (name, _) in members(&document["components"][kind]) {
            // Phoenix's frames, which may contain every message.
            let is_frame = matches!(name.as_str(), "SocketReply");
            let used = text.contains(&format!("\"$ref\":\"#/components/{kind}/{name}\""));
            assert!(used || is_frame, "{kind} {name} is used by nothing");
        }
    }
    let operations = document["operations"].to_string();
    for (channel, described) in members(&document["channels"]) {
        for message in keys(&described["messages"]) {
            let used = operations.contains(&format!("\"#/channels/{channel}/messages/{message}\""));
            assert!(used, "{channel} names {message}, which no operation sends or receives");
        }
    }
}
