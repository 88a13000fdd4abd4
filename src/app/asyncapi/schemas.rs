//! Schemas of the payload types. A name stands for one type: two types with one name are an error.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::ToSchema;

/// Describes a type and everything it contains, and returns a reference to it.
pub type SchemaOf = fn(&mut Schemas) -> Value;

#[derive(Default)]
pub struct Schemas {
    found: BTreeMap<String, Value>,
    wrong: Vec<String>,
}

impl Schemas {
    fn put(&mut self, name: String, schema: &impl serde::Serialize) {
        let schema = match serde_json::to_value(schema) {
            Ok(schema) => tidy(schema),
            Err(error) => return self.wrong.push(format!("{name}: {error}")),
        };
        if self.found.get(&name).is_some_and(|before| *before != schema) {
            return self.wrong.push(format!("two types are named {name}"));
        }
        self.found.insert(name, schema);
    }

    /// All schemas.
    ///
    /// # Errors
    /// Two types share a name, so that one would be described as the other.
    pub fn finish(self) -> anyhow::Result<Value> {
        anyhow::ensure!(self.wrong.is_empty(), "{}", self.wrong.join("; "));
        Ok(self.found.into_iter().collect())
    }
}

/// The [`SchemaOf`] of a type.
pub fn of<T: ToSchema>(schemas: &mut Schemas) -> Value {
    let mut parts = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut parts);
    for (name, schema) in parts {
        schemas.put(name, &schema);
    }
    json!({ "$ref": format!("#/components/schemas/{}", T::name()) })
}

/// OpenAPI has `example`; JSON Schema, and AsyncAPI with it, has a list of `examples`.
fn tidy(schema: Value) -> Value {
    let Value::Object(members) = schema else { return schema };
    let tidied = members.into_iter().map(|(key, value)| match (key.as_str(), value) {
        ("example", value) => ("examples".to_owned(), json!([value])),
        // Names of members, not keywords of a schema.
        ("properties", Value::Object(named)) => {
            (key, named.into_iter().map(|(name, schema)| (name, tidy(schema))).collect())
        }
        ("allOf" | "anyOf" | "oneOf", Value::Array(parts)) => (key, parts.into_iter().map(tidy).collect()),
        ("items" | "additionalProperties", value) => (key, tidy(value)),
        (_, value) => (key, value),
    });
    Value::Object(tidied.collect())
}
