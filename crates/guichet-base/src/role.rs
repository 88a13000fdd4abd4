//! Roles of people, and the two roles of services.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};
use utoipa::ToSchema;

/// The role of an actor in its tenant. Tokens, the database and the API use the same lowercase names.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, EnumString, IntoStaticStr,
)]
#[strum(serialize_all = "lowercase", const_into_str)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Owner,
    Manager,
    Employee,
    /// A member of a client account.
    Client,
    /// A producer or provisioning backend of one tenant.
    Service,
    /// The actor of a service token for all tenants while it creates a tenant.
    Platform,
}

/// The side of a conversation: client (a member) or operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, IntoStaticStr)]
#[strum(serialize_all = "lowercase", const_into_str)]
#[serde(rename_all = "lowercase")]
pub enum UserType {
    Client,
    Operator,
}

impl Role {
    /// The role of a person by name. `service` and `platform` are not roles of people.
    pub fn parse_person_role(name: &str) -> Option<Self> {
        name.parse().ok().filter(|role: &Self| !role.is_service())
    }

    pub const fn is_operator(self) -> bool {
        matches!(self, Role::Owner | Role::Manager | Role::Employee)
    }

    /// Whether the role sees every client of the tenant, not only those in its charge.
    pub const fn sees_all_clients(self) -> bool {
        matches!(self, Role::Owner | Role::Manager)
    }

    pub const fn is_service(self) -> bool {
        matches!(self, Role::Service | Role::Platform)
    }

    /// `client` for members, `operator` for all other roles.
    pub const fn user_type(self) -> UserType {
        match self {
            Role::Client => UserType::Client,
            Role::Owner | Role::Manager | Role::Employee | Role::Service | Role::Platform => {
                UserType::Operator
            }
        }
    }
}

/// Parses a column that a constraint restricts to roles of people.
impl TryFrom<String> for Role {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::parse_person_role(&name).ok_or(name)
    }
}

impl UserType {
    pub const fn other(self) -> Self {
        match self {
            UserType::Client => UserType::Operator,
            UserType::Operator => UserType::Client,
        }
    }
}
