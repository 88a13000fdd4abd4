//! A team as stored and as the API returns it.

use diesel::pg::Pg;
use diesel::prelude::*;
use guichet_base::Timestamp;
use guichet_base::id::TeamId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::schema::teams;

/// A group of operators that share the charge of clients.
#[derive(Debug, Clone, Queryable, Selectable, Serialize, Deserialize, ToSchema)]
#[diesel(table_name = teams, check_for_backend(Pg))]
pub struct Team {
    pub id: TeamId,
    pub name: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}
