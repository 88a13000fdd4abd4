//! Connects presence: the hub provides it to `directory`, and `directory` provides the audience of each person.

use std::sync::Arc;
use std::time::Duration;

use guichet_base::id::{TenantId, UserId};
use guichet_base::role::UserType;
use guichet_base::{Actor, Error, PresenceStatus, Result, Timestamp};
use guichet_realtime::{
    Audience, AudienceRoles, Hub, PresenceAudience, PresenceTimeouts, TopicGrant, Visibility,
};

use crate::config::{self, Feature};
use crate::directory::{Directory, PresenceSource, presence};

/// The hub as a presence source.
pub struct HubPresence(pub Arc<Hub>);

impl PresenceSource for HubPresence {
    fn status(&self, tenant: TenantId, user: UserId) -> PresenceStatus {
        self.0.status(tenant, user)
    }

    fn seen_at(&self, tenant: TenantId, user: UserId) -> Option<Timestamp> {
        self.0.presence_state(tenant, user).map(|stand| stand.seen_at)
    }

    fn online(&self, tenant: TenantId, limit: usize) -> Vec<UserId> {
        self.0.online_people(tenant, limit)
    }

    fn touch(&self, tenant: TenantId, user: UserId) {
        self.0.touch(tenant, user);
    }
}

pub fn presence_timeouts(config: &config::RealtimeConfig) -> PresenceTimeouts {
    PresenceTimeouts {
        grace: Duration::from_secs(config.presence_grace_secs.into()),
        idle_after: Duration::from_secs(config.presence_idle_after_secs.into()),
        offline_after: Duration::from_secs(config.presence_offline_after_secs.into()),
    }
}

/// The topic for the presence around one operator.
fn operator_topic(operator: UserId) -> Box<str> {
    format!("presence:operator:{operator}").into()
}

/// `presence:operator:{id}`: the operator sees everyone; a member of a client in the operator's charge sees the
/// operator and themselves.
pub async fn authorize_operator_topic(
    directory: &Directory,
    actor: &Actor,
    operator: UserId,
) -> Result<TopicGrant> {
    directory.require(actor, Feature::Presence).await?;
    if !presence::may_subscribe_to_presence(directory, actor, operator).await? {
        return Err(Error::forbidden());
    }
    let sees = match actor.role.user_type() {
        UserType::Operator => Visibility::Everyone,
        UserType::Client => Visibility::Only([operator, actor.user].into()),
    };
    Ok(TopicGrant { visibility: sees, ..TopicGrant::default() })
}

/// Applies the tenant's feature flag to a grant: with presence off, no one is visible.
pub async fn apply_feature_flag(
    directory: &Directory,
    actor: &Actor,
    granted: TopicGrant,
) -> Result<TopicGrant> {
    let is_on = directory.features(actor.tenant).await?.is_on(Feature::Presence);
    Ok(if is_on { granted } else { TopicGrant { visibility: Visibility::none(), ..granted } })
}

/// The presence audience of each of `users`.
pub async fn presence_audiences(
    directory: &Directory,
    tenant: TenantId,
    users: Vec<UserId>,
) -> Result<Vec<PresenceAudience>> {
    if !directory.features(tenant).await?.is_on(Feature::Presence) {
        return Ok(Vec::new());
    }
    let standings = presence::load_relations(directory, tenant, users).await?;
    Ok(standings.into_iter().map(|standing| presence_audience(tenant, standing)).collect())
}

fn presence_audience(tenant: TenantId, standing: presence::PersonRelations) -> PresenceAudience {
    let presence::PersonRelations { user, user_type, operators, team } = standing;
    let desk: Box<str> = format!("tenant:{tenant}").into();
    match user_type {
        UserType::Operator => {
            let home = operator_topic(user);
            let recipients = vec![(desk, Audience::Everyone), (home.clone(), Audience::Everyone)];
            PresenceAudience { user, user_type, default_topics: vec![home], recipients }
        }
        UserType::Client => {
            let default_topics: Vec<Box<str>> = operators.iter().copied().map(operator_topic).collect();
            let employees = operators.into_iter().chain(team).collect();
            let mut recipients =
                vec![(desk, Audience::Selected { roles: AudienceRoles::SeesAllClients, people: employees })];
            // Never the other members.
            let audience = Audience::Selected { roles: AudienceRoles::Operators, people: [user].into() };
            recipients.extend(default_topics.iter().map(|home| (home.clone(), audience.clone())));
            PresenceAudience { user, user_type, default_topics, recipients }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use guichet_base::Role;

    fn actor(user: UserId, role: Role) -> Actor {
        let locale = guichet_base::Locale::En;
        Actor {
            tenant: TenantId::new(),
            user,
            role,
            scopes: Arc::new([]),
            locale,
            ip: None,
            authenticated_at: None,
        }
    }

    #[test]
    fn of_a_member_hear_those_who_see_their_client_and_no_other_member() {
        let (member, operator, teammate, tenant) =
            (UserId::new(), UserId::new(), UserId::new(), TenantId::new());
        let reach = presence_audience(
            tenant,
            presence::PersonRelations {
                user: member,
                user_type: UserType::Client,
                operators: vec![operator],
                team: vec![teammate],
            },
        );
        let [(desk, at_desk), (home, at_home)] = &*reach.recipients else { panic!("{reach:?}") };
        assert_eq!(**desk, *format!("tenant:{tenant}"));
        assert_eq!(*home, operator_topic(operator));
        for (user, role, hears) in [
            (UserId::new(), Role::Owner, true),
            (UserId::new(), Role::Manager, true),
            (operator, Role::Employee, true),
            (teammate, Role::Employee, true),
            (UserId::new(), Role::Employee, false),
        ] {
            assert_eq!(at_desk.includes(&actor(user, role)), hears, "{role:?}");
        }
        assert!(at_home.includes(&actor(operator, Role::Employee)));
        assert!(at_home.includes(&actor(member, Role::Client)));
        assert!(!at_home.includes(&actor(UserId::new(), Role::Client)), "another client's member");
    }
}
