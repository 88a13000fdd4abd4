//! Queries and writes of the service itself for presence: the people around a person, and when people were last seen.

use guichet_base::id::{TenantId, UserId};
use guichet_base::role::UserType;
use guichet_base::{Actor, Result, Role, Timestamp};

use super::store;
use crate::directory::Directory;

/// The people who are notified of one person's presence.
#[derive(Debug, Clone)]
pub struct PersonRelations {
    pub user: UserId,
    pub user_type: UserType,
    /// For a member: the operators in charge of their clients.
    pub operators: Vec<UserId>,
    /// For a member: the people in the teams of their clients.
    pub team: Vec<UserId>,
}

/// Loads the relations of `users` in one statement. Unknown users are missing in the result.
pub async fn load_relations(
    directory: &Directory,
    tenant: TenantId,
    users: Vec<UserId>,
) -> Result<Vec<PersonRelations>> {
    let ids: Vec<_> = users.into_iter().map(|user| user.0).collect();
    let itself = Directory::service_actor(tenant);
    let rows =
        directory.db().read(&itself, move |tx| store::load_relations(tx.conn(), tenant, ids.clone())).await?;
    let people = |ids: Vec<uuid::Uuid>| ids.into_iter().map(UserId).collect();
    let standings = rows.into_iter().map(|row| {
        let role = Role::parse_person_role(&row.role).unwrap_or(Role::Client);
        let (operators, team) = match role.user_type() {
            UserType::Client => (people(row.operators), people(row.team)),
            UserType::Operator => (Vec::new(), Vec::new()),
        };
        PersonRelations { user: row.id, user_type: role.user_type(), operators, team }
    });
    Ok(standings.collect())
}

/// Records when people of the tenant were last active.
pub async fn record_last_seen(
    directory: &Directory,
    tenant: TenantId,
    people: Vec<(UserId, Timestamp)>,
) -> Result<()> {
    let itself = Directory::service_actor(tenant);
    directory.db().write(&itself, move |tx| store::update_last_seen(tx.conn(), tenant, &people)).await
}

/// Whether the actor may subscribe to the presence around `operator`: the operator themselves, and members of the
/// clients that the operator is in charge of.
pub async fn may_subscribe_to_presence(
    directory: &Directory,
    actor: &Actor,
    operator: UserId,
) -> Result<bool> {
    match actor.role {
        Role::Owner | Role::Manager | Role::Employee => Ok(actor.user == operator),
        Role::Client => {
            let tenant = actor.tenant;
            directory.db().read(actor, move |tx| store::is_in_charge(tx.conn(), tenant, operator)).await
        }
        Role::Service | Role::Platform => Ok(false),
    }
}
