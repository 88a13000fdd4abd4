//! AfriTalk's names in the API description: the responses of its paths and their schemas, in camelCase and with that
//! product's extra fields.
//!
//! A schema gets the prefix `AfriTalk`. Only responses are converted: bodies and parameters are declared in
//! AfriTalk's names.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{Components, Schema};

use super::keys::camel;
use super::rewrite::OPAQUE;

const SCHEMAS: &str = "#/components/schemas/";
const OWN: &str = "AfriTalk";

/// Converts the description of AfriTalk's paths.
#[derive(Default)]
pub struct AfriTalkNames {
    named: BTreeSet<String>,
}

impl AfriTalkNames {
    /// Converts the responses of an operation, whose schemas are under `data` of the envelope.
    pub fn respell(&mut self, operation: &mut Operation) {
        for response in operation.responses.responses.values_mut() {
            let RefOr::T(response) = response else { continue };
            for content in response.content.values_mut() {
                let RefOr::T(content) = content else { continue };
                if let Some(schema) = content.schema.take() {
                    content.schema = Some(self.respelled(&schema).unwrap_or(schema));
                }
            }
        }
    }

    /// All referenced schemas, also through others.
    pub fn schemas(mut self, guichets: &Components) -> BTreeMap<String, RefOr<Schema>> {
        let mut made = BTreeMap::new();
        while let Some(name) = self.named.iter().find(|name| !made.contains_key(&own(name))).cloned() {
            let Some(schema) = guichets.schemas.get(&name) else {
                self.named.remove(&name);
                continue;
            };
            let schema = self.respelled(schema).unwrap_or_else(|| schema.clone());
            made.insert(own(&name), schema);
        }
        made
    }

    fn respelled(&mut self, schema: &RefOr<Schema>) -> Option<RefOr<Schema>> {
        let mut value = serde_json::to_value(schema).ok()?;
        self.value(&mut value);
        serde_json::from_value(value).ok()
    }

    fn value(&mut self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(members) => self.object(members),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn object(&mut self, members: &mut Map<String, Value>) {
        if let Some(Value::String(target)) = members.get_mut("$ref")
            && let Some(name) = target.strip_prefix(SCHEMAS).map(str::to_owned)
        {
            *target = format!("{SCHEMAS}{}", own(&name));
            self.named.insert(name);
        }
        if let Some(Value::Object(properties)) = members.get_mut("properties") {
            let more = beside(properties);
            let old = std::mem::take(properties);
            for (name, mut schema) in old {
                // The keys inside a producer's value stay; the envelope's own `data` is not one.
                if name != "preview" {
                    self.value(&mut schema);
                }
                properties.insert(camel(&name).into_owned(), schema);
            }
            let mut names: Vec<Value> = Vec::new();
            for (name, schema) in more {
                properties.insert(name.to_owned(), schema);
                names.push(name.into());
            }
            if let Some(Value::Array(required)) = members.get_mut("required") {
                for name in required.iter_mut() {
                    if let Value::String(text) = name {
                        *text = camel(text).into_owned();
                    }
                }
                names.retain(|name| !required.contains(name));
                required.extend(names);
            }
        }
        if let Some(example) = members.get_mut("example") {
            respell_example(example);
        }
        for (name, value) in members.iter_mut() {
            if !["properties", "required", "example", "$ref"].contains(&name.as_str()) {
                self.value(value);
            }
        }
    }
}

fn own(name: &str) -> String {
    format!("{OWN}{name}")
}

/// The extra fields, recognized by the existing ones as `names::beside` does for responses.
fn beside(properties: &Map<String, Value>) -> Vec<(&'static str, Value)> {
    let has = |names: &[&str]| names.iter().all(|name| properties.contains_key(*name));
    let text = || json!({"type": ["string", "null"]});
    let id = || json!({"type": ["string", "null"], "format": "uuid"});
    if has(&["conversation_id", "sender_id", "content", "related"]) {
        vec![
            ("relatedEntityType", text()),
            ("relatedEntityId", text()),
            ("read", json!({"type": "boolean", "description": "Whether `readAt` is set"})),
        ]
    } else if has(&["kind", "peer", "unread_count", "counterpart"]) {
        vec![
            ("tenantId", json!({"type": "string", "format": "uuid"})),
            ("userOneId", json!({"type": "string", "format": "uuid", "description": "The caller"})),
            ("userTwoId", id()),
        ]
    } else if has(&["category", "is_read", "type", "body"]) {
        vec![
            ("type", json!({"type": "string", "enum": ["message", "alert", "system"]})),
            ("code", json!({"type": "string", "description": "The template's code"})),
            ("message", json!({"type": "string", "description": "The same as `body`"})),
            ("userId", json!({"type": "string", "format": "uuid", "description": "The caller"})),
            ("relatedEntityType", text()),
            (
                "relatedEntityId",
                json!({"type": ["string", "number", "null"], "description": "The event id as the producer chose it"}),
            ),
            ("pushSent", json!({"type": "boolean"})),
            ("pushSentAt", json!({"type": ["string", "null"], "format": "date-time"})),
        ]
    } else {
        Vec::new()
    }
}

fn respell_example(example: &mut Value) {
    match example {
        Value::Array(items) => items.iter_mut().for_each(respell_example),
        Value::Object(members) => {
            for (name, mut value) in std::mem::take(members) {
                if !OPAQUE.contains(&name.as_str()) {
                    respell_example(&mut value);
                }
                members.insert(camel(&name).into_owned(), value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
