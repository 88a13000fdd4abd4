//! The sockets' description: messages by key, and validation of payloads.

use std::collections::BTreeSet;

use serde_json::Value;

use super::shape;
use super::spec::resolve;

pub struct Described {
    pub document: Value,
}

impl Described {
    pub fn new() -> Self {
        Self { document: guichet::app::asyncapi::describe().unwrap() }
    }

    pub fn messages(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.document["components"]["messages"].as_object().unwrap().iter()
    }

    pub fn message(&self, key: &str) -> &Value {
        let message = &self.document["components"]["messages"][key];
        assert!(message.is_object(), "no message {key}");
        message
    }

    /// The names of the messages with this key prefix.
    pub fn names(&self, family: &str) -> BTreeSet<&str> {
        let of_family = self.messages().filter(|(key, _)| key.starts_with(family));
        of_family.map(|(_, message)| message["name"].as_str().unwrap()).collect()
    }

    /// The faults of a message's payload.
    pub fn faults(&self, key: &str, payload: &Value) -> Vec<String> {
        self.judge(&self.message(key)["payload"], payload, key)
    }

    /// The faults of a value against a named schema.
    pub fn faults_of(&self, schema: &str, value: &Value) -> Vec<String> {
        let described = &self.document["components"]["schemas"][schema];
        assert!(described.is_object(), "no schema {schema}");
        self.judge(described, value, schema)
    }

    pub fn judge(&self, schema: &Value, value: &Value, at: &str) -> Vec<String> {
        let mut schema = schema.clone();
        resolve(&mut schema, &self.document, 0);
        shape::faults(&schema, value, at)
    }

    /// Whether an event may be sent on a topic.
    pub fn carries(&self, topic: &str, key: &str) -> bool {
        let channels = self.document["channels"].as_object().unwrap().values();
        let parts = topic.split(':').count();
        channels.filter(|channel| channel["address"].as_str().is_some_and(|a| a != "{topic}")).any(
            |channel| {
                let address: Vec<&str> = channel["address"].as_str().unwrap().split(':').collect();
                let fits = address.len() == parts
                    && address
                        .iter()
                        .zip(topic.split(':'))
                        .all(|(part, said)| part.starts_with('{') || *part == said);
                fits && channel["messages"].get(key).is_some()
            },
        )
    }

    pub fn is_event(&self, name: &str) -> bool {
        self.names("event_").contains(name)
    }
}

/// `messaging:new` is `event_messaging_new` in the document.
pub fn event_key(name: &str) -> String {
    format!("event_{}", name.replace(':', "_"))
}
