//! The operations in the API description. Tests are generated from it, so that none can be forgotten.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use reqwest::Method;
use serde_json::{Value, json};

pub const BASE: &str = "/api/v1";

#[derive(Clone)]
pub struct Operation {
    pub method: Method,
    /// Under [`BASE`], with its parameters in braces.
    pub path: String,
    /// As described, with references resolved.
    pub described: Value,
}

/// A parameter of the query.
pub struct Parameter {
    pub name: String,
    pub schema: Value,
    pub required: bool,
}

/// A value within a body.
pub struct SchemaField {
    /// As a JSON pointer.
    pub pointer: String,
    pub schema: Value,
    pub required: bool,
}

pub fn description() -> Value {
    serde_json::to_value(guichet::app::openapi::describe()).unwrap()
}

/// All operations by path. Read once, since it takes longer than a server waits for a client.
pub fn operations() -> Vec<Operation> {
    static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(described_operations);
    OPERATIONS.clone()
}

fn described_operations() -> Vec<Operation> {
    let api = description();
    let mut all = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = method.to_ascii_uppercase().parse::<Method>() else { continue };
            if !matches!(method.as_str(), "GET" | "PUT" | "POST" | "PATCH" | "DELETE") {
                continue;
            }
            let path =
                path.strip_prefix(BASE).unwrap_or_else(|| panic!("{path} is outside {BASE}")).to_owned();
            let mut described = operation.clone();
            resolve(&mut described, &api, 0);
            all.push(Operation { method, path, described });
        }
    }
    assert!(all.len() >= 18, "the description lists only {} operations", all.len());
    all
}

/// Replaces references by what they name.
pub fn resolve(value: &mut Value, api: &Value, depth: usize) {
    assert!(depth < 60, "a schema that contains itself");
    let target = value.get("$ref").and_then(Value::as_str).map(str::to_owned);
    if let Some(target) = target {
        *value = api
            .pointer(target.trim_start_matches('#'))
            .unwrap_or_else(|| panic!("{target} is nowhere"))
            .clone();
        return resolve(value, api, depth + 1);
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| resolve(item, api, depth + 1)),
        Value::Object(members) => members.values_mut().for_each(|member| resolve(member, api, depth + 1)),
        _ => {}
    }
}

impl Operation {
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub fn body(&self) -> Option<&Value> {
        self.described.pointer("/requestBody/content/application~1json/schema")
    }

    /// The documented body, or one made of the examples of its fields.
    pub fn example(&self) -> Option<Value> {
        let schema = self.body()?;
        Some(example_of(schema).unwrap_or_else(|| panic!("{} has no example of its body", self.name())))
    }

    pub fn query(&self) -> Vec<Parameter> {
        let all = self.described["parameters"].as_array().into_iter().flatten();
        all.filter(|parameter| parameter["in"] == "query")
            .map(|parameter| Parameter {
                name: parameter["name"].as_str().unwrap().to_owned(),
                schema: parameter["schema"].clone(),
                required: parameter["required"] == true,
            })
            .collect()
    }

    /// Every value of the body that the description names, outer ones first.
    pub fn fields(&self) -> Vec<SchemaField> {
        let mut fields = Vec::new();
        if let Some(schema) = self.body() {
            fields_of(schema, "", &mut fields);
        }
        fields
    }
}

fn fields_of(schema: &Value, at: &str, into: &mut Vec<SchemaField>) {
    let Some(object) = alternatives(schema).into_iter().find(|schema| schema.get("properties").is_some())
    else {
        return;
    };
    let required: Vec<&str> =
        object["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, schema) in object["properties"].as_object().unwrap() {
        let pointer = format!("{at}/{name}");
        into.push(SchemaField {
            pointer: pointer.clone(),
            schema: schema.clone(),
            required: required.contains(&name.as_str()),
        });
        fields_of(schema, &pointer, into);
    }
}

/// The schema itself, or its alternatives.
pub fn alternatives(schema: &Value) -> Vec<&Value> {
    for word in ["oneOf", "anyOf", "allOf"] {
        if let Some(list) = schema[word].as_array() {
            return list.iter().flat_map(alternatives).collect();
        }
    }
    vec![schema]
}

/// The JSON types that the schema accepts. Empty means any.
pub fn kinds(schema: &Value) -> BTreeSet<String> {
    let mut kinds = BTreeSet::new();
    for schema in alternatives(schema) {
        match &schema["type"] {
            Value::String(one) => {
                kinds.insert(one.clone());
            }
            Value::Array(many) => kinds.extend(many.iter().filter_map(Value::as_str).map(str::to_owned)),
            // An enumeration, or anything at all.
            _ if schema.get("enum").is_some() => {
                kinds.insert("string".to_owned());
            }
            _ => return BTreeSet::new(),
        }
    }
    kinds
}

fn example_of(schema: &Value) -> Option<Value> {
    if let Some(example) = schema.get("example") {
        return Some(example.clone());
    }
    let object = alternatives(schema).into_iter().find(|schema| schema.get("properties").is_some())?;
    let required = object["required"].as_array().filter(|required| !required.is_empty())?;
    let mut example = json!({});
    for name in required.iter().filter_map(Value::as_str) {
        example[name] = example_of(&object["properties"][name])?;
    }
    Some(example)
}
