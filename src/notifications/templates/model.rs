//! A template: built-in, as a tenant changes it, and as the API returns it.

use diesel::pg::Pg;
use diesel::prelude::*;
use guichet_base::id::UserId;
use guichet_base::role::UserType;
use guichet_base::{Locale, Role, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::preferences::{Category, Channel, Priority};
use crate::schema::notification_templates;

/// The texts, audience and channels of one kind of event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    pub code: String,
    pub category: Category,
    pub priority: Priority,
    /// The channels that it may use; the first is preferred.
    pub channels: Vec<Channel>,
    /// The audience of events that name no recipients. If empty, events must name recipients.
    pub audience: Vec<Concerned>,
    pub variables: Vec<Variable>,
    pub texts: TemplateTexts,
    pub links: Links,
}

/// A source of an audience.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Concerned {
    /// The person `payload.user_id`.
    User,
    /// The members of the team `payload.team_id`.
    Team,
    /// The members of the client `payload.client_id`.
    ClientMembers,
    /// The operator in charge of `payload.client_id`; without one, that client's team.
    ClientOperator,
    /// Everyone in the tenant.
    Everyone,
    /// Everyone with one of these roles.
    Roles(Vec<Role>),
    /// The recipients of the conversation `payload.conversation_id`, which chat passes with its events.
    Told,
}

impl Concerned {
    /// The payload field from which this source is resolved.
    pub const fn field(&self) -> Option<&'static str> {
        match self {
            Concerned::User => Some("user_id"),
            Concerned::Team => Some("team_id"),
            Concerned::ClientMembers | Concerned::ClientOperator => Some("client_id"),
            Concerned::Told => Some("conversation_id"),
            Concerned::Everyone | Concerned::Roles(_) => None,
        }
    }
}

/// A field of the payload that texts may use. An optional one renders as empty if absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    #[schema(example = "client")]
    pub name: String,
    #[serde(default)]
    #[schema(required)]
    pub required: bool,
    /// The name of another variable that may be sent instead of this required one.
    #[serde(default)]
    #[schema(required, example = "team_id")]
    pub or: Option<String>,
    /// Shown in previews, and used to test changes.
    #[serde(default)]
    #[schema(required, example = "Maison Lumière")]
    pub sample: Value,
}

/// Title and body in each language.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateTexts {
    pub fr: Wording,
    pub en: Wording,
}

/// Jinja sources in one language.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wording {
    #[schema(example = "Nouveau message de {{ sender_name }}")]
    pub title: String,
    #[schema(example = "{{ excerpt }}")]
    pub body: String,
    /// Subject of the email; the title if absent.
    #[serde(default)]
    #[schema(required)]
    pub email_subject: Option<String>,
    /// Body of the email; `body` if absent.
    #[serde(default)]
    #[schema(required)]
    pub email_body: Option<String>,
}

/// The link for each user type: Jinja sources of paths within the app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Links {
    #[schema(required, example = "/reclamations/{{ ticket_id }}")]
    pub client: Option<String>,
    #[schema(required, example = "/admin/reclamations/{{ ticket_id }}")]
    pub operator: Option<String>,
}

impl TemplateTexts {
    pub fn for_locale(&self, locale: Locale) -> &Wording {
        match locale {
            Locale::Fr => &self.fr,
            Locale::En => &self.en,
        }
    }
}

impl Links {
    pub fn for_user_type(&self, side: UserType) -> Option<&str> {
        match side {
            UserType::Client => self.client.as_deref(),
            UserType::Operator => self.operator.as_deref(),
        }
    }
}

impl Template {
    /// A payload made of the samples.
    pub fn sample_payload(&self) -> Map<String, Value> {
        self.variables.iter().map(|variable| (variable.name.clone(), variable.sample.clone())).collect()
    }
}

/// A row of `notification_templates`: a tenant's changes of a template.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = notification_templates, check_for_backend(Pg))]
pub struct TemplateRow {
    pub code: String,
    /// The fields that differ from the built-in template.
    pub fields: Value,
    pub updated_by: Option<UserId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}
