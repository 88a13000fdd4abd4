//! A project as stored and as the API returns it.

use diesel::pg::Pg;
use diesel::prelude::*;
use guichet_base::Timestamp;
use guichet_base::id::{ClientId, ProjectId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::schema::projects;

/// A project of a client.
#[derive(Debug, Clone, Queryable, Selectable, Serialize, Deserialize, ToSchema)]
#[diesel(table_name = projects, check_for_backend(Pg))]
pub struct Project {
    pub id: ProjectId,
    pub client_id: ClientId,
    pub name: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}
