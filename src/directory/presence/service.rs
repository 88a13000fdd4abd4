//! Reads presence, for callers who may see the people.

use guichet_base::id::{ClientId, UserId};
use guichet_base::page::{MAX_LIMIT, Page};
use guichet_base::{Actor, PresenceStatus, Result};

use super::model::{ClientPresence, PresenceView};
use super::store;
use crate::config::Feature;
use crate::directory::{Directory, clients, policy};
use guichet_base::permission::Permission;

/// Filter of a presence list.
#[derive(Debug, Clone)]
pub(super) enum PresenceFilter {
    /// These people, as far as the caller may see them.
    Users(Vec<UserId>),
    /// Everyone that the caller may see.
    All(Page),
}

pub(super) async fn list(
    directory: &Directory,
    actor: &Actor,
    wanted: PresenceFilter,
) -> Result<Vec<PresenceView>> {
    check_access(directory, actor).await?;
    let tenant = actor.tenant;
    let read = directory.db().read(actor, move |tx| match &wanted {
        PresenceFilter::Users(users) => store::find_people(tx.conn(), tenant, users),
        PresenceFilter::All(page) => store::list_people(tx.conn(), tenant, *page),
    });
    Ok(read.await?.into_iter().map(|row| row.into_view(directory.presence(), tenant)).collect())
}

pub(super) async fn read_client(
    directory: &Directory,
    actor: &Actor,
    id: ClientId,
) -> Result<ClientPresence> {
    check_access(directory, actor).await?;
    let reader = actor.clone();
    let read = directory.db().read(actor, move |tx| {
        let client = clients::service::find_visible(tx, &reader, id)?;
        let members = store::members(tx.conn(), reader.tenant, id, MAX_LIMIT)?;
        let operator: Vec<UserId> = client.operator_id.into_iter().collect();
        Ok((members, store::find_people(tx.conn(), reader.tenant, &operator)?))
    });
    let (members, operator) = read.await?;
    let shown = |row: super::model::LastSeenRow| row.into_view(directory.presence(), actor.tenant);
    let members: Vec<PresenceView> = members.into_iter().map(shown).collect();
    let status = members.iter().map(|member| member.status).max().unwrap_or(PresenceStatus::Offline);
    Ok(ClientPresence { status, members, operator: operator.into_iter().next().map(shown) })
}

async fn check_access(directory: &Directory, actor: &Actor) -> Result<()> {
    policy::may(actor, Permission::DirectoryView)?;
    directory.require(actor, Feature::Presence).await
}
