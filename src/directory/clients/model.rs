//! The rows of clients, their API view, and changes.

use diesel::pg::Pg;
use diesel::prelude::*;
use guichet_base::Timestamp;
use guichet_base::id::{ClientId, TeamId, TenantId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::IntoStaticStr;
use utoipa::ToSchema;

use crate::schema::clients;
use guichet_base::PresenceStatus;

/// A row of `clients`.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = clients, check_for_backend(Pg))]
pub struct Client {
    pub id: ClientId,
    pub name: String,
    pub operator_id: Option<UserId>,
    pub team_id: Option<TeamId>,
    pub status: String,
    pub details: Value,
    pub updated_by: Option<UserId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoStaticStr)]
#[strum(serialize_all = "lowercase", const_into_str)]
#[serde(rename_all = "lowercase")]
pub enum ClientStatus {
    Active,
    Inactive,
    Archived,
}

#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = clients)]
pub struct NewClient {
    pub tenant_id: TenantId,
    pub id: ClientId,
    pub name: String,
    pub operator_id: Option<UserId>,
    pub team_id: Option<TeamId>,
    pub status: &'static str,
    pub details: Value,
    pub updated_by: UserId,
}

/// A change of a client; `None` leaves a column unchanged. Serializes to the fields that were sent.
#[derive(Debug, Clone, Default, PartialEq, AsChangeset, Serialize)]
#[diesel(table_name = clients)]
pub struct ClientChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator_id: Option<Option<UserId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team_id: Option<Option<TeamId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

/// A client as the API returns it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ClientView {
    pub id: ClientId,
    pub name: String,
    /// The operator in charge.
    pub operator_id: Option<UserId>,
    pub team_id: Option<TeamId>,
    pub status: String,
    #[schema(value_type = Object)]
    pub details: Value,
    /// The presence of the most active member.
    pub presence: PresenceStatus,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Client {
    pub fn into_view(self, presence: PresenceStatus) -> ClientView {
        ClientView {
            id: self.id,
            name: self.name,
            operator_id: self.operator_id,
            team_id: self.team_id,
            status: self.status,
            details: self.details,
            presence,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}
