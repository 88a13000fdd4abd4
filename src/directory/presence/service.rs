//! Reads presence, for callers who may see the people.

use guichet_base::id::{ClientId, UserId};
use guichet_base::page::{MAX_LIMIT, Page};
use guichet_base::{Actor, Result, Status};

use super::model::{ClientPresence, PresenceView};
use super::store;
use crate::config::Feature;
use crate::directory::{Directory, clients, policy};
use guichet_base::permission::Permission;

/// Filter of a presence list.
#[derive(Debug, Clone)]
pub(super) enum PresenceFilter {
    /// These people, as far as the caller may see them.
    Some(Vec<UserId>),
    /// Everyone that the caller may see.
    Page(Page),
}

pub(super) async fn list(
    directory: &Directory,
    actor: &Actor,
    wanted: PresenceFilter,
) -> Result<Vec<PresenceView>> {
    check_access(directory, actor).await?;
    let tenant = actor.tenant;
    let read = directory.db().read(actor, move |tx| match &wanted {
        PresenceFilter::Some(users) => store::some(tx.conn(), tenant, users),
        PresenceFilter::Page(page) => store::people(tx.conn(), tenant, *page),
    });
    Ok(read.await?.into_iter().map(|row| row.shown(directory.presence(), tenant)).collect())
}

pub(super) async fn of_client(directory: &Directory, actor: &Actor, id: ClientId) -> Result<ClientPresence> {
    check_access(directory, actor).await?;
    let reader = actor.clone();
    let read = directory.db().read(actor, move |tx| {
        let client = clients::service::visible(tx, &reader, id)?;
        let members = store::members(tx.conn(), reader.tenant, id, MAX_LIMIT)?;
        let operator: Vec<UserId> = client.operator_id.into_iter().collect();
        Ok((members, store::some(tx.conn(), reader.tenant, &operator)?))
    });
    let (members, operator) = read.await?;
    let shown = |row: super::model::LastSeenRow| row.shown(directory.presence(), actor.tenant);
    let members: Vec<PresenceView> = members.into_iter().map(shown).collect();
    let status = members.iter().map(|member| member.status).max().unwrap_or(Status::Offline);
    Ok(ClientPresence { status, members, operator: operator.into_iter().next().map(shown) })
}

async fn check_access(directory: &Directory, actor: &Actor) -> Result<()> {
    policy::may(actor, Permission::DirectoryView)?;
    directory.require(actor, Feature::Presence).await
}
