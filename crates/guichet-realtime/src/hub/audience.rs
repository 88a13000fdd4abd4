//! Which subscribers of a topic receive a signal, and which people a subscriber sees: plain data from the backend.

use std::sync::Arc;

use guichet_base::Actor;
use guichet_base::id::UserId;

/// The subscribers of a topic that receive a signal. Cheap to test for each, and to share.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Audience {
    #[default]
    Everyone,
    /// Those with one of these roles, and these people.
    Selected { roles: AudienceRoles, people: Arc<[UserId]> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AudienceRoles {
    /// Every operator.
    Operators,
    /// Roles that see all clients of the tenant.
    SeesAllClients,
}

impl Audience {
    pub fn includes(&self, actor: &Actor) -> bool {
        match self {
            Audience::Everyone => true,
            Audience::Selected { roles, people } => {
                roles.include(actor) || (people.contains(&actor.user) && !actor.role.is_service())
            }
        }
    }
}

impl AudienceRoles {
    fn include(self, actor: &Actor) -> bool {
        match self {
            AudienceRoles::Operators => actor.role.is_operator(),
            AudienceRoles::SeesAllClients => actor.role.sees_all_clients(),
        }
    }
}

/// The people whose presence a subscriber sees on a topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Visibility {
    #[default]
    Everyone,
    Only(Arc<[UserId]>),
}

impl Visibility {
    pub fn none() -> Self {
        Visibility::Only(Arc::default())
    }

    pub fn includes(&self, user: UserId) -> bool {
        match self {
            Visibility::Everyone => true,
            Visibility::Only(people) => people.contains(&user),
        }
    }
}
