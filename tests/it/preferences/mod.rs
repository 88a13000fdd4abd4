//! Preferences: over REST, and in the effects of events.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod agree;
mod defaults;
mod explain;
mod manage;
mod overrides;
mod settings;

use serde_json::{Value, json};

use crate::harness::Api;

pub const CATEGORIES: [&str; 15] = [
    "message",
    "validation",
    "alert",
    "system",
    "graduation",
    "payment",
    "ticket",
    "meeting",
    "mandat",
    "organisation",
    "task",
    "note",
    "document",
    "pipeline",
    "report",
];

/// The preference in force for one channel of one category, as its person sees it.
pub async fn shown(person: &Api, category: &str, channel: &str) -> (bool, String) {
    let all = person.get("/preferences").await.data().clone();
    let found =
        all["categories"].as_array().unwrap().iter().find(|line| line["category"] == category).unwrap();
    let one = &found["channels"][channel];
    (one["on"].as_bool().unwrap(), one["why"].as_str().unwrap().to_owned())
}

pub fn is(on: bool, why: &str) -> (bool, String) {
    (on, why.to_owned())
}

/// The details of the newest activity entry about an override, with its client.
pub async fn last_override(owner: &Api) -> Value {
    let rows = owner.get("/activity-logs?action=override.set&limit=1").await.data().clone();
    rows.get(0).cloned().unwrap_or(json!(null))
}
