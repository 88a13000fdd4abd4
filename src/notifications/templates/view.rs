//! A template as the API shows it, with the tenant's changes beside what ships.

use guichet_base::id::TenantId;
use guichet_base::{Error, Result, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::Changed;
use super::{BUILT_IN, Concerned, Links, Template, TemplateTexts, Variable, effective};
use crate::preferences::{Category, Channel, Priority};
use crate::web::Etag;

/// Whose words they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TemplateSource {
    BuiltIn,
    /// The tenant changed some of it.
    Overridden,
}

/// A template in force.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = NotificationTemplate)]
pub struct TemplateView {
    /// The event's name.
    #[schema(example = "mandat.created")]
    pub code: String,
    pub source: TemplateSource,
    /// The fields that the tenant changed.
    #[schema(example = json!(["priority", "texts"]))]
    pub overridden: Vec<String>,
    pub category: Category,
    pub priority: Priority,
    /// The most that it may use. The first is the preferred one.
    pub channels: Vec<Channel>,
    /// The audience of events that name none.
    pub audience: Vec<Concerned>,
    /// The fields of the payload that the texts may name, beside `recipient.user_type`, `recipient.locale` and `url`.
    pub variables: Vec<Variable>,
    pub texts: TemplateTexts,
    pub links: Links,
    /// Of the tenant's changes.
    #[schema(required)]
    pub created_at: Option<Timestamp>,
    /// The version that the change is based on.
    #[schema(required)]
    pub updated_at: Option<Timestamp>,
}

impl TemplateView {
    /// Errors: `NOT_FOUND` for a code that no built-in template has.
    pub(super) fn of(code: &str, changed: Option<&Changed>) -> Result<Self> {
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

    /// The built-in template is the version before all others.
    pub(super) fn version(&self) -> Timestamp {
        self.updated_at.unwrap_or(Timestamp::from_millis(0))
    }

    pub(super) fn etag(&self, tenant: TenantId) -> Etag {
        Etag::new(record_id(tenant, &self.code), self.version())
    }
}

/// A template has no id of its own. What ships is part of it, so that a new release makes new versions.
pub(super) fn record_id(tenant: TenantId, code: &str) -> Uuid {
    let shipped = BUILT_IN.get(code).map(|(_, row)| row.to_string()).unwrap_or_default();
    Uuid::new_v5(&tenant.0, format!("template {code}\n{shipped}").as_bytes())
}

/// What `changes` leave to be stored: the fields that differ from the built-in template, whole.
pub(super) fn stored(code: &str, held: Option<&Value>, changes: &Value) -> Value {
    let Some((_, row)) = BUILT_IN.get(code) else { return json!({}) };
    let mut merged = row.clone();
    for changes in held.into_iter().chain([changes]) {
        super::merge(&mut merged, changes);
    }
    difference(row, &merged)
}

/// The members of `new` that `old` has otherwise, those of texts and links one by one.
fn difference(old: &Value, new: &Value) -> Value {
    let members = new.as_object().into_iter().flatten();
    let changed = members.filter(|(name, value)| !is_same(old.get(name.as_str()), value));
    let kept = changed.map(|(name, value)| {
        let is_parted = value.is_object() && old.get(name.as_str()).is_some_and(Value::is_object);
        let value = if is_parted { difference(&old[name.as_str()], value) } else { value.clone() };
        (name.clone(), value)
    });
    Value::Object(kept.collect::<Map<_, _>>())
}

/// What is not there is null.
fn is_same(old: Option<&Value>, new: &Value) -> bool {
    old.unwrap_or(&Value::Null) == new
}
