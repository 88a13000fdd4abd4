//! A template in force as the API returns it, and the difference between it and the built-in one.

use guichet_base::id::TenantId;
use guichet_base::{Error, Result, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::TemplateRow;
use super::{BUILT_IN, Concerned, Links, Template, TemplateTexts, Variable, effective};
use crate::preferences::{Category, Channel, Priority};
use crate::web::Etag;

/// Whether a template is built-in or changed by the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TemplateSource {
    BuiltIn,
    /// The tenant has changed at least one field.
    Overridden,
}

/// A template in force.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = NotificationTemplate)]
pub struct TemplateView {
    /// The code of the template and of its events.
    #[schema(example = "mandat.created")]
    pub code: String,
    pub source: TemplateSource,
    /// The fields that the tenant changed.
    #[schema(example = json!(["priority", "texts"]))]
    pub overridden: Vec<String>,
    pub category: Category,
    pub priority: Priority,
    /// The channels that it may use, the preferred one first.
    pub channels: Vec<Channel>,
    /// The audience of events that name no recipients.
    pub audience: Vec<Concerned>,
    /// The fields of the payload that the texts may name, beside `recipient.user_type`, `recipient.locale` and `url`.
    pub variables: Vec<Variable>,
    pub texts: TemplateTexts,
    pub links: Links,
    /// When the tenant first changed the template. Null for a built-in one.
    #[schema(required)]
    pub created_at: Option<Timestamp>,
    /// When the tenant last changed the template: the version to send with a change. Null for a built-in one.
    #[schema(required)]
    pub updated_at: Option<Timestamp>,
}

impl TemplateView {
    /// Builds the view of a template with a tenant's changes. Errors: `NOT_FOUND` for an unknown code.
    pub(super) fn new(code: &str, changed: Option<&TemplateRow>) -> Result<Self> {
        let template =
            effective(code, changed.map(|row| &row.fields)).map_err(|_| Error::not_found("template"))?;
        let Template { code, category, priority, channels, audience, variables, texts, links } = template;
        let fields = changed.and_then(|row| row.fields.as_object());
        Ok(Self {
            code,
            source: if changed.is_some() { TemplateSource::Overridden } else { TemplateSource::BuiltIn },
            overridden: fields.map(|fields| fields.keys().cloned().collect()).unwrap_or_default(),
            category,
            priority,
            channels,
            audience,
            variables,
            texts,
            links,
            created_at: changed.map(|row| row.created_at),
            updated_at: changed.map(|row| row.updated_at),
        })
    }

    /// The version for optimistic locking. An unchanged built-in template has the earliest possible version.
    pub(super) fn version(&self) -> Timestamp {
        self.updated_at.unwrap_or(Timestamp::from_millis(0))
    }

    pub(super) fn etag(&self, tenant: TenantId) -> Etag {
        Etag::new(record_id(tenant, &self.code), self.version())
    }
}

/// Derives an id for ETags and locks, since a template has none. It includes the built-in content, so that a release
pub(super) fn record_id(tenant: TenantId, code: &str) -> Uuid {
    let built_in_json = BUILT_IN.get(code).map(|(_, row)| row.to_string()).unwrap_or_default();
    Uuid::new_v5(&tenant.0, format!("template {code}\n{built_in_json}").as_bytes())
}

/// Merges `changes` into the stored ones, and returns the fields that differ from the built-in template.
pub(super) fn fields_to_store(code: &str, stored: Option<&Value>, changes: &Value) -> Value {
    let Some((_, row)) = BUILT_IN.get(code) else { return json!({}) };
    let mut merged = row.clone();
    for changes in stored.into_iter().chain([changes]) {
        super::merge(&mut merged, changes);
    }
    difference(row, &merged)
}

/// The members of `new` that differ from `old`; objects, such as texts and links, are compared member by member.
fn difference(old: &Value, new: &Value) -> Value {
    let members = new.as_object().into_iter().flatten();
    let changed = members.filter(|(name, value)| !is_same(old.get(name.as_str()), value));
    let differing = changed.map(|(name, value)| {
        let are_objects = value.is_object() && old.get(name.as_str()).is_some_and(Value::is_object);
        let value = if are_objects { difference(&old[name.as_str()], value) } else { value.clone() };
        (name.clone(), value)
    });
    Value::Object(differing.collect::<Map<_, _>>())
}

/// Compares two members; an absent one equals null.
fn is_same(old: Option<&Value>, new: &Value) -> bool {
    old.unwrap_or(&Value::Null) == new
}
