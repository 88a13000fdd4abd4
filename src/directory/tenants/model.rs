//! A tenant as stored and as the API returns it.

use diesel::pg::Pg;
use diesel::prelude::*;
use guichet_base::Timestamp;
use guichet_base::id::{TenantId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::schema::tenants;

/// A row of `tenants`.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = tenants, check_for_backend(Pg))]
pub struct Tenant {
    pub id: TenantId,
    pub slug: String,
    pub name: String,
    pub settings: Value,
    pub updated_by: Option<UserId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = tenants)]
pub struct NewTenant {
    pub id: TenantId,
    pub slug: String,
    pub name: String,
    pub settings: Value,
    pub updated_by: UserId,
}

/// A change of a tenant; `None` leaves a column unchanged. Serializes to the fields that were sent.
#[derive(Debug, Clone, Default, PartialEq, AsChangeset, Serialize)]
#[diesel(table_name = tenants)]
pub struct TenantChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<Value>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TenantView {
    pub id: TenantId,
    pub slug: String,
    pub name: String,
    /// `features` (name: on or off), `branding` and `defaults`.
    #[schema(value_type = Object)]
    pub settings: Value,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl From<Tenant> for TenantView {
    fn from(tenant: Tenant) -> Self {
        let Tenant { id, slug, name, settings, created_at, updated_at, .. } = tenant;
        Self { id, slug, name, settings, created_at, updated_at }
    }
}

/// Whether `slug` is allowed: it appears in tokens, headers and URLs.
pub fn is_slug(slug: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&slug.len())
        && slug.chars().all(is_inner)
        && !slug.starts_with('-')
        && !slug.ends_with('-')
        // A text that parses as an id is looked up as an id.
        && slug.parse::<TenantId>().is_err()
}
