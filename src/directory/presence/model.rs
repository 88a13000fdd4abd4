//! Presence as the API returns it.

use diesel::prelude::*;
use guichet_base::id::{TenantId, UserId};
use guichet_base::role::UserType;
use guichet_base::{PresenceStatus, Role, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::directory::PresenceReader;
use crate::schema::users;

/// The columns of `users` that identify a person, and when they were last seen.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub struct LastSeenRow {
    pub id: UserId,
    #[diesel(deserialize_as = String)]
    pub role: Role,
    pub last_seen_at: Option<Timestamp>,
}

/// The presence of one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Presence, example = json!({ "user_id": "0198c0de-0000-7000-8000-000000000001", "user_type": "operator",
    "status": "idle", "last_seen": "2026-01-02T10:00:00.123Z" }))]
pub struct PresenceView {
    pub user_id: UserId,
    pub user_type: UserType,
    pub status: PresenceStatus,
    /// The last activity. Null while the person is online, and if they were never seen.
    pub last_seen: Option<Timestamp>,
}

/// The presence of a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ClientPresence {
    /// The status of the most active member.
    pub status: PresenceStatus,
    /// At most 200.
    pub members: Vec<PresenceView>,
    /// The presence of the operator in charge.
    pub operator: Option<PresenceView>,
}

impl LastSeenRow {
    pub fn into_view(self, presence: &PresenceReader, tenant: TenantId) -> PresenceView {
        let (status, last_seen) = presence.status_and_last_seen(tenant, self.id, self.last_seen_at);
        PresenceView { user_id: self.id, user_type: self.role.user_type(), status, last_seen }
    }
}
