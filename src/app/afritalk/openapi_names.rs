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
use super::rewrite::OPAQUE_KEYS;

const SCHEMA_REF: &str = "#/components/schemas/";
const SCHEMA_PREFIX: &str = "AfriTalk";

/// Converts the description of AfriTalk's paths.
#[derive(Default)]
pub struct AfriTalkSchemas {
    referenced: BTreeSet<String>,
}

impl AfriTalkSchemas {
    /// Converts the responses of an operation, whose schemas are under `data` of the envelope.
    pub fn convert_operation(&mut self, operation: &mut Operation) {
        for response in operation.responses.responses.values_mut() {
            let RefOr::T(response) = response else { continue };
            for content in response.content.values_mut() {
                let RefOr::T(content) = content else { continue };
                if let Some(schema) = content.schema.take() {
                    content.schema = Some(self.convert_schema(&schema).unwrap_or(schema));
                }
            }
        }
    }

    /// All referenced schemas, also through others.
    pub fn schemas(mut self, guichets: &Components) -> BTreeMap<String, RefOr<Schema>> {
        let mut made = BTreeMap::new();
        while let Some(name) =
            self.referenced.iter().find(|name| !made.contains_key(&prefixed(name))).cloned()
        {
            let Some(schema) = guichets.schemas.get(&name) else {
                self.referenced.remove(&name);
                continue;
            };
            let schema = self.convert_schema(schema).unwrap_or_else(|| schema.clone());
            made.insert(prefixed(&name), schema);
        }
        made
    }

    fn convert_schema(&mut self, schema: &RefOr<Schema>) -> Option<RefOr<Schema>> {
        let mut value = serde_json::to_value(schema).ok()?;
        self.convert_value(&mut value);
        serde_json::from_value(value).ok()
    }

    fn convert_value(&mut self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.convert_value(item)),
            Value::Object(members) => self.convert_object(members),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn convert_object(&mut self, members: &mut Map<String, Value>) {
        if let Some(Value::String(target)) = members.get_mut("$ref")
            && let Some(name) = target.strip_prefix(SCHEMA_REF).map(str::to_owned)
        {
            *target = format!("{SCHEMA_REF}{}", prefixed(&name));
            self.referenced.insert(name);
        }
        if let Some(Value::Object(properties)) = members.get_mut("properties") {
            let more = extra_properties(properties);
            let old = std::mem::take(properties);
            for (name, mut schema) in old {
                // The keys inside a producer's value stay; the envelope's own `data` is not one.
                if name != "preview" {
                    self.convert_value(&mut schema);
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
            convert_example(example);
        }
        for (name, value) in members.iter_mut() {
            if !["properties", "required", "example", "$ref"].contains(&name.as_str()) {
                self.convert_value(value);
            }
        }
    }
}

fn prefixed(name: &str) -> String {
    format!("{SCHEMA_PREFIX}{name}")
}

/// The extra fields, recognized by the existing ones as `names::beside` does for responses.
fn extra_properties(properties: &Map<String, Value>) -> Vec<(&'static str, Value)> {
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

fn convert_example(example: &mut Value) {
    match example {
        Value::Array(items) => items.iter_mut().for_each(convert_example),
        Value::Object(members) => {
            for (name, mut value) in std::mem::take(members) {
                if !OPAQUE_KEYS.contains(&name.as_str()) {
                    convert_example(&mut value);
                }
                members.insert(camel(&name).into_owned(), value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
