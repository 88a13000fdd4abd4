//! Use cases of clients and their members.

use std::collections::HashMap;

use guichet_base::id::{ClientId, UserId};
use guichet_base::page::Page;
use guichet_base::{Actor, Error, Result};
use guichet_db::Tx;
use serde_json::json;

use super::model::{Client, ClientChange, ClientStatus, ClientView, NewClient};
use super::store::{self, ClientFilter, ClientSort};
use crate::activity::{self, ActivityAction, ActivityEntry};
use crate::directory::optimistic_lock::{self, LockedRecord};
use crate::directory::users::{self, UserView};
use crate::directory::{Directory, policy};
use crate::web::{EditBasis, IdempotentRequest, Replayable};
use guichet_base::permission::Permission;

/// Most online people considered by the `online` order.
const MAX_ONLINE_PEOPLE: usize = 10_000;

pub(super) async fn list(
    directory: &Directory,
    actor: &Actor,
    mut wanted: ClientFilter,
    page: Page,
) -> Result<Vec<ClientView>> {
    policy::may(actor, Permission::DirectoryView)?;
    if wanted.sort == ClientSort::Online {
        wanted.online = directory.presence().online(actor.tenant, MAX_ONLINE_PEOPLE);
    }
    let (directory, reader) = (directory.clone(), actor.clone());
    directory
        .clone()
        .db()
        .read(actor, move |tx| {
            let clients = store::list(tx.conn(), reader.tenant, &wanted, page)?;
            build_views(tx, &directory, &reader, clients)
        })
        .await
}

pub(super) async fn read(directory: &Directory, actor: &Actor, id: ClientId) -> Result<ClientView> {
    policy::may(actor, Permission::DirectoryView)?;
    let (directory, reader) = (directory.clone(), actor.clone());
    directory
        .clone()
        .db()
        .read(actor, move |tx| {
            let client = find_visible(tx, &reader, id)?;
            build_view(tx, &directory, &reader, client)
        })
        .await
}

pub(super) async fn create(
    directory: &Directory,
    actor: &Actor,
    change: ClientChange,
    once: IdempotentRequest,
) -> Result<Replayable<ClientView>> {
    policy::may(actor, Permission::DirectoryClientsManage)?;
    let (directory, writer) = (directory.clone(), actor.clone());
    directory
        .clone()
        .db()
        .write(actor, move |tx| {
            once.run_once(tx, |tx| {
                let made = create_if_absent(tx, &writer, ClientId::new(), &change)?;
                build_view(tx, &directory, &writer, made.ok_or_else(Error::conflict)?)
            })
        })
        .await
}

/// Creates or changes the client. Returns true if it was created.
pub(super) async fn put(
    directory: &Directory,
    actor: &Actor,
    id: ClientId,
    change: ClientChange,
    based_on: EditBasis,
) -> Result<(ClientView, bool)> {
    policy::may(actor, Permission::DirectoryView)?;
    let (directory, writer) = (directory.clone(), actor.clone());
    directory
        .clone()
        .db()
        .write(actor, move |tx| {
            let is_there = store::find(tx.conn(), writer.tenant, id)?.is_some();
            let made = if is_there { None } else { create_if_absent(tx, &writer, id, &change)? };
            match made {
                Some(client) => Ok((build_view(tx, &directory, &writer, client)?, true)),
                None => Ok((update(tx, &directory, &writer, id, &change, &based_on)?, false)),
            }
        })
        .await
}

pub(super) async fn patch(
    directory: &Directory,
    actor: &Actor,
    id: ClientId,
    change: ClientChange,
    based_on: EditBasis,
) -> Result<ClientView> {
    policy::may(actor, Permission::DirectoryView)?;
    let (directory, writer) = (directory.clone(), actor.clone());
    directory
        .clone()
        .db()
        .write(actor, move |tx| update(tx, &directory, &writer, id, &change, &based_on))
        .await
}

pub(super) async fn members(
    directory: &Directory,
    actor: &Actor,
    id: ClientId,
    page: Page,
) -> Result<Vec<UserView>> {
    policy::may(actor, Permission::DirectoryView)?;
    let reader = actor.clone();
    directory
        .db()
        .read(actor, move |tx| {
            find_visible(tx, &reader, id)?;
            let users = store::members(tx.conn(), reader.tenant, id, page)?;
            Ok(users.into_iter().map(|user| user.view_for(&reader)).collect())
        })
        .await
}

/// Returns true if the person was not a member before.
pub(super) async fn add_member(
    directory: &Directory,
    actor: &Actor,
    id: ClientId,
    user: UserId,
) -> Result<bool> {
    policy::may(actor, Permission::DirectoryView)?;
    let writer = actor.clone();
    directory
        .db()
        .write(actor, move |tx| {
            find_visible(tx, &writer, id)?;
            policy::may(&writer, Permission::DirectoryClientsManage)?;
            let person = users::service::find_active(tx, &writer, user)?;
            if person.role.is_operator() {
                return Err(Error::invalid("user_id", "wrong_role"));
            }
            let is_new = store::add_member(tx.conn(), writer.tenant, id, user)?;
            if is_new {
                record_member(tx, &writer, ActivityAction::MemberAdd, id, user)?;
            }
            Ok(is_new)
        })
        .await
}

pub(super) async fn remove_member(
    directory: &Directory,
    actor: &Actor,
    id: ClientId,
    user: UserId,
) -> Result<()> {
    policy::may(actor, Permission::DirectoryView)?;
    let (directory, writer) = (directory.clone(), actor.clone());
    directory
        .clone()
        .db()
        .write(actor, move |tx| {
            find_visible(tx, &writer, id)?;
            policy::may(&writer, Permission::DirectoryClientsManage)?;
            directory.notify_rights_changed(tx, writer.tenant, vec![user]);
            if !store::remove_member(tx.conn(), writer.tenant, id, user)? {
                return Err(Error::not_found("member"));
            }
            record_member(tx, &writer, ActivityAction::MemberRemove, id, user)
        })
        .await
}

fn record_member(
    tx: &mut Tx<'_>,
    actor: &Actor,
    action: ActivityAction,
    id: ClientId,
    user: UserId,
) -> Result<()> {
    activity::record(
        tx,
        actor,
        &ActivityEntry::new(action, "client", id).with_details(json!({ "user_id": user })),
    )
}

fn create_if_absent(
    tx: &mut Tx<'_>,
    actor: &Actor,
    id: ClientId,
    change: &ClientChange,
) -> Result<Option<Client>> {
    policy::may(actor, Permission::DirectoryClientsManage)?;
    check_operator(tx, actor, change)?;
    let new = NewClient {
        tenant_id: actor.tenant,
        id,
        name: change.name.clone().ok_or_else(|| Error::invalid("name", "missing"))?,
        operator_id: change.operator_id.flatten(),
        team_id: change.team_id.flatten(),
        status: change.status.unwrap_or(ClientStatus::Active.into_str()),
        details: change.details.clone().unwrap_or_else(|| json!({})),
        updated_by: actor.user,
    };
    // `None`: another request created it at the same moment.
    let made = store::insert(tx.conn(), &new)?;
    if made.is_some() {
        activity::record(tx, actor, &ActivityEntry::new(ActivityAction::ClientCreate, "client", id))?;
    }
    Ok(made)
}

fn update(
    tx: &mut Tx<'_>,
    directory: &Directory,
    actor: &Actor,
    id: ClientId,
    change: &ClientChange,
    based_on: &EditBasis,
) -> Result<ClientView> {
    find_visible(tx, actor, id)?;
    policy::may(actor, Permission::ClientEdit)?;
    let client = store::lock(tx.conn(), actor.tenant, id)?.ok_or_else(|| Error::not_found("client"))?;
    let (operator_id, team_id) = (client.operator_id, client.team_id);
    let moves = change.operator_id.is_some_and(|wanted| wanted != operator_id)
        || change.team_id.is_some_and(|wanted| wanted != team_id);
    if moves {
        policy::may(actor, Permission::DirectoryClientsManage)?;
    }
    let current = build_view(tx, directory, actor, client.clone())?;
    let shown = serde_json::to_value(&current).map_err(Error::internal)?;
    let held = LockedRecord {
        kind: "client",
        id: id.0,
        updated_at: client.updated_at,
        updated_by: client.updated_by,
        view: &shown,
    };
    if !optimistic_lock::check_version(tx, actor, based_on, &held, change)?
        || *change == ClientChange::default()
    {
        return Ok(current);
    }
    check_operator(tx, actor, change)?;
    if moves {
        // The team and the members are notified through the outbox.
        directory.notify_rights_changed(tx, actor.tenant, operator_id.into_iter().collect());
    }
    let client = store::update(tx.conn(), actor.tenant, id, change)?;
    let details = json!({ "fields": optimistic_lock::changed_fields(change)? });
    activity::record(
        tx,
        actor,
        &ActivityEntry::new(ActivityAction::ClientUpdate, "client", id).with_details(details),
    )?;
    Ok(client.into_view(current.presence))
}

/// Errors: the person in charge is not an operator of this tenant.
fn check_operator(tx: &mut Tx<'_>, actor: &Actor, change: &ClientChange) -> Result<()> {
    let Some(Some(operator)) = change.operator_id else { return Ok(()) };
    let person = users::store::find(tx.conn(), actor.tenant, operator)?;
    match person.filter(|person| person.deleted_at.is_none()) {
        None => Err(Error::invalid("operator_id", "unknown_id")),
        Some(person) if !person.role.is_operator() => Err(Error::invalid("operator_id", "wrong_role")),
        Some(_) => Ok(()),
    }
}

/// Errors: `NOT_FOUND` for a client that the actor may not see.
pub(in crate::directory) fn find_visible(tx: &mut Tx<'_>, actor: &Actor, id: ClientId) -> Result<Client> {
    store::find(tx.conn(), actor.tenant, id)?.ok_or_else(|| Error::not_found("client"))
}

fn build_view(tx: &mut Tx<'_>, directory: &Directory, actor: &Actor, client: Client) -> Result<ClientView> {
    let views = build_views(tx, directory, actor, vec![client])?;
    views.into_iter().next().ok_or_else(|| Error::not_found("client"))
}

fn build_views(
    tx: &mut Tx<'_>,
    directory: &Directory,
    actor: &Actor,
    clients: Vec<Client>,
) -> Result<Vec<ClientView>> {
    let ids: Vec<ClientId> = clients.iter().map(|client| client.id).collect();
    let mut members: HashMap<ClientId, Vec<UserId>> = HashMap::new();
    for (client, user) in store::members_by_client(tx.conn(), actor.tenant, &ids)? {
        members.entry(client).or_default().push(user);
    }
    let presence = |client: &Client| {
        let members = members.get(&client.id).into_iter().flatten().copied();
        directory.presence().highest_status(actor.tenant, members)
    };
    Ok(clients
        .into_iter()
        .map(|client| {
            let presence = presence(&client);
            client.into_view(presence)
        })
        .collect())
}
