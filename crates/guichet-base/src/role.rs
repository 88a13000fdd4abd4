//! Ranks of people, and the two roles that are no person.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who an actor is in its tenant. The words are those of tokens, of the database and of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Owner,
    Manager,
    Employee,
    /// A member of a client account.
    Client,
    /// A producer or provisioning backend of one tenant.
    Service,
    /// A service token for all tenants, while it makes a tenant.
    Platform,
}

/// On which side of the desk a person stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum UserType {
    Client,
    Operator,
}

impl Role {
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Manager => "manager",
            Role::Employee => "employee",
            Role::Client => "client",
            Role::Service => "service",
            Role::Platform => "platform",
        }
    }

    /// The role of a person by its word; `service` and `platform` are no person's.
    pub fn of_person(word: &str) -> Option<Self> {
        match word {
            "owner" => Some(Role::Owner),
            "manager" => Some(Role::Manager),
            "employee" => Some(Role::Employee),
            "client" => Some(Role::Client),
            _ => None,
        }
    }

    pub const fn is_operator(self) -> bool {
        matches!(self, Role::Owner | Role::Manager | Role::Employee)
    }

    /// Whether the role sees every client of the tenant, not only those it is in charge of.
    pub const fn sees_all_clients(self) -> bool {
        matches!(self, Role::Owner | Role::Manager)
    }

    pub const fn is_service(self) -> bool {
        matches!(self, Role::Service | Role::Platform)
    }

    /// `client` for members, `operator` for everyone else.
    pub const fn user_type(self) -> UserType {
        match self {
            Role::Client => UserType::Client,
            Role::Owner | Role::Manager | Role::Employee | Role::Service | Role::Platform => {
                UserType::Operator
            }
        }
    }
}

/// Parses the text of a column, which a constraint keeps within the roles of people.
impl TryFrom<String> for Role {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        Self::of_person(&word).ok_or(word)
    }
}

impl UserType {
    pub const fn as_str(self) -> &'static str {
        match self {
            UserType::Client => "client",
            UserType::Operator => "operator",
        }
    }

    pub const fn other(self) -> Self {
        match self {
            UserType::Client => UserType::Operator,
            UserType::Operator => UserType::Client,
        }
    }
}
