//! Rewrites the keys of JSON. Values are moved unchanged: numbers and texts keep their bytes.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::keys::{camel, snake};

/// Keys whose values a producer wrote and that are not rewritten.
pub const OPAQUE_KEYS: [&str; 3] = ["preview", "data", "payload"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamingDirection {
    /// guichet's names to AfriTalk's.
    ToAfriTalk,
    /// AfriTalk's to guichet's.
    FromAfriTalk,
}

impl NamingDirection {
    fn key(self, key: &str) -> Cow<'_, str> {
        match self {
            NamingDirection::ToAfriTalk => camel(key),
            NamingDirection::FromAfriTalk => snake(key),
        }
    }
}

/// Fields to add to an object: final names, and JSON values. One with the name of an existing field replaces it.
pub type ExtraFields = Vec<(&'static str, String)>;

/// The fields of an object, in order.
pub struct ObjectFields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> ObjectFields<'a> {
    pub fn get(&self, key: &str) -> Option<&'a str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.get())
    }

    pub fn take(&mut self, key: &str) -> Option<&'a RawValue> {
        let at = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.remove(at).1)
    }

    /// The object as JSON, with `beside` added.
    pub fn with(&self, beside: &[(&'static str, String)]) -> String {
        let mut out = ObjectWriter::new();
        for (key, value) in &self.0 {
            if !beside.iter().any(|(name, _)| name == key) {
                out.push(key, value.get());
            }
        }
        for (name, value) in beside {
            out.push(name, value);
        }
        out.end()
    }
}

/// An object under construction.
struct ObjectWriter(String);

impl ObjectWriter {
    fn new() -> Self {
        Self("{".to_owned())
    }

    fn push(&mut self, key: &str, value: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&serde_json::Value::from(key).to_string());
        self.0.push(':');
        self.0.push_str(value);
    }

    fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for ObjectFields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = ObjectFields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::with_capacity(map.size_hint().unwrap_or(16));
                while let Some((key, value)) = map.next_entry::<String, &'de RawValue>()? {
                    fields.push((Cow::Owned(key), value));
                }
                Ok(ObjectFields(fields))
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}

/// Rewrites the keys of `json`; `beside` returns the fields to add to an object, given its original fields.
pub fn rewrite(
    json: &str,
    direction: NamingDirection,
    beside: &dyn Fn(&ObjectFields<'_>) -> ExtraFields,
) -> String {
    match json.as_bytes().first() {
        Some(b'{') => match serde_json::from_str::<ObjectFields<'_>>(json) {
            Ok(fields) => rewrite_object(&fields, direction, beside),
            Err(_) => json.to_owned(),
        },
        Some(b'[') => match serde_json::from_str::<Vec<&RawValue>>(json) {
            Ok(items) => {
                let items: Vec<String> =
                    items.iter().map(|item| rewrite(item.get(), direction, beside)).collect();
                format!("[{}]", items.join(","))
            }
            Err(_) => json.to_owned(),
        },
        _ => json.to_owned(),
    }
}

fn rewrite_object(
    fields: &ObjectFields<'_>,
    direction: NamingDirection,
    beside: &dyn Fn(&ObjectFields<'_>) -> ExtraFields,
) -> String {
    let more = beside(fields);
    let mut out = ObjectWriter::new();
    for (key, value) in &fields.0 {
        let name = direction.key(key);
        if more.iter().any(|(taken, _)| *taken == name) {
            continue;
        }
        if OPAQUE_KEYS.contains(&key.as_ref()) {
            out.push(&name, value.get());
        } else {
            out.push(&name, &rewrite(value.get(), direction, beside));
        }
    }
    for (name, value) in &more {
        out.push(name, value);
    }
    out.end()
}
