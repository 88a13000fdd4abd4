//! Schemas of the payload types. A name stands for one type: two types with one name are an error.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::ToSchema;

/// Describes a type and everything it contains, and returns a reference to it.
pub type SchemaFn = fn(&mut Schemas) -> Value;

#[derive(Default)]
pub struct Schemas {
    by_name: BTreeMap<String, Value>,
    errors: Vec<String>,
}

impl Schemas {
    fn insert(&mut self, name: String, schema: &impl serde::Serialize) {
        let schema = match serde_json::to_value(schema) {
            Ok(schema) => to_json_schema(schema),
            Err(error) => return self.errors.push(format!("{name}: {error}")),
        };
        if self.by_name.get(&name).is_some_and(|before| *before != schema) {
            return self.errors.push(format!("two types are named {name}"));
        }
        self.by_name.insert(name, schema);
    }

    /// All schemas.
    ///
    /// # Errors
    /// Two types share a name, so that one would be described as the other.
    pub fn finish(self) -> anyhow::Result<Value> {
        anyhow::ensure!(self.errors.is_empty(), "{}", self.errors.join("; "));
        Ok(self.by_name.into_iter().collect())
    }
}

/// The [`SchemaFn`] of a type.
pub fn schema_of<T: ToSchema>(schemas: &mut Schemas) -> Value {
    let mut parts = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut parts);
    for (name, schema) in parts {
        schemas.insert(name, &schema);
    }
    json!({ "$ref": format!("#/components/schemas/{}", T::name()) })
}

/// OpenAPI has `example`; JSON Schema, and AsyncAPI with it, has a list of `examples`.
fn to_json_schema(schema: Value) -> Value {
    let Value::Object(members) = schema else { return schema };
    let tidied = members.into_iter().map(|(key, value)| match (key.as_str(), value) {
        ("example", value) => ("examples".to_owned(), json!([value])),
        // Names of members, not keywords of a schema.
        ("properties", Value::Object(named)) => {
            (key, named.into_iter().map(|(name, schema)| (name, to_json_schema(schema))).collect())
        }
        ("allOf" | "anyOf" | "oneOf", Value::Array(parts)) => {
            (key, parts.into_iter().map(to_json_schema).collect())
        }
        ("items" | "additionalProperties", value) => (key, to_json_schema(value)),
        (_, value) => (key, value),
    });
    Value::Object(tidied.collect())
}
