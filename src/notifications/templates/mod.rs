//! Templates of notifications: the built-in ones (`builtin.json`) and the tenants' changes of them.
//!
//! - Only template texts are parsed as Jinja; values of a payload never are.
//! - A tenant's text is rendered with sample data before it is saved (`vet`), so that an invalid text is refused when
//!   it is saved, not when an event needs it.
//! - All texts of an event are rendered once per language and user type, whatever the number of recipients.

mod check;
mod engine;
pub mod http;
mod model;
mod policy;
mod render;
mod safe;
mod service;
pub mod store;
mod truncate;
mod vet;
mod view;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

pub use model::{Concerned, Links, Template, TemplateTexts, Variable, Wording};
pub use render::{EmailText, Rendered, Sides, Text};

use guichet_base::{Error, Result};

const BUILT_IN_JSON: &str = include_str!("builtin.json");

/// Each built-in template by its code, parsed and as JSON.
static BUILT_IN: LazyLock<BTreeMap<String, (Template, Value)>> = LazyLock::new(|| {
    // A unit test checks that the whole file parses.
    let rows: Vec<Template> = serde_json::from_str(BUILT_IN_JSON).unwrap_or_default();
    let with_json = rows.into_iter().filter_map(|template| {
        let json = serde_json::to_value(&template).ok()?;
        Some((template.code.clone(), (template, json)))
    });
    with_json.collect()
});

pub fn built_in(code: &str) -> Option<&'static Template> {
    BUILT_IN.get(code).map(|(template, _)| template)
}

/// The built-in templates, by code.
pub fn all_built_in() -> impl Iterator<Item = &'static Template> {
    BUILT_IN.values().map(|(template, _)| template)
}

/// Returns the template in force: the built-in one merged with a tenant's `changes` (the `fields` of its row).
///
/// Errors: `VALIDATION_ERROR` with `event` `unknown_event`.
pub fn effective(code: &str, changes: Option<&Value>) -> Result<Template> {
    let (template, json) = BUILT_IN.get(code).ok_or_else(|| Error::invalid("event", "unknown_event"))?;
    let Some(changes) = changes else { return Ok(template.clone()) };
    Ok(merged(json, changes).unwrap_or_else(|cause| {
        // Saved by another version of guichet, with values that this one does not know.
        tracing::warn!(template.code = code, error.cause = %cause, "a tenant's template cannot be read; the built-in one is used");
        template.clone()
    }))
}

fn merged(template: &Value, changes: &Value) -> serde_json::Result<Template> {
    let mut merged = template.clone();
    merge(&mut merged, changes);
    serde_json::from_value(merged)
}

/// Merges the fields of `changes` into `base`: texts and links one by one, all other fields as a whole.
fn merge(base: &mut Value, changes: &Value) {
    for (name, change) in changes.as_object().into_iter().flatten() {
        let depth = match name.as_str() {
            "texts" => 2,
            "links" => 1,
            _ => 0,
        };
        merge_value(&mut base[name.as_str()], change, depth);
    }
}

fn merge_value(base: &mut Value, change: &Value, depth: usize) {
    match (base.as_object_mut(), change.as_object()) {
        (Some(base), Some(change)) if depth > 0 => {
            for (name, change) in change {
                merge_value(base.entry(name.as_str()).or_insert(Value::Null), change, depth - 1);
            }
        }
        _ => base.clone_from(change),
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test stops at what it did not expect")]
mod tests;
