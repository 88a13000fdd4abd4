//! Use cases of teams.
//!
//! A team is only a name, so naming the version that a change is based on is optional.

use guichet_base::id::{TeamId, UserId};
use guichet_base::page::Page;
use guichet_base::{Actor, Error, Result};
use guichet_db::Tx;
use serde_json::json;

use super::model::Team;
use super::store;
use crate::activity::{self, ActivityAction, ActivityEntry};
use crate::directory::optimistic_lock::{self, LockedRecord};
use crate::directory::users::{self, UserView};
use crate::directory::{Directory, policy};
use crate::web::{EditBasis, IdempotentRequest, Replayable};
use guichet_base::permission::Permission;

pub(super) async fn list(directory: &Directory, actor: &Actor, page: Page) -> Result<Vec<Team>> {
    policy::may(actor, Permission::DirectoryTeams)?;
    let tenant = actor.tenant;
    directory.db().read(actor, move |tx| store::list(tx.conn(), tenant, page)).await
}

pub(super) async fn read(directory: &Directory, actor: &Actor, id: TeamId) -> Result<Team> {
    policy::may(actor, Permission::DirectoryTeams)?;
    let reader = actor.clone();
    directory.db().read(actor, move |tx| find_visible(tx, &reader, id)).await
}

pub(super) async fn create(
    directory: &Directory,
    actor: &Actor,
    name: String,
    once: IdempotentRequest,
) -> Result<Replayable<Team>> {
    policy::may(actor, Permission::DirectoryTeamsManage)?;
    let writer = actor.clone();
    directory
        .db()
        .write(actor, move |tx| {
            once.run_once(tx, |tx| {
                create_if_absent(tx, &writer, TeamId::new(), &name)?.ok_or_else(Error::conflict)
            })
        })
        .await
}

/// Creates or renames the team. Returns true if it was created.
pub(super) async fn put(
    directory: &Directory,
    actor: &Actor,
    id: TeamId,
    name: String,
    based_on: EditBasis,
) -> Result<(Team, bool)> {
    policy::may(actor, Permission::DirectoryTeamsManage)?;
    let writer = actor.clone();
    directory
        .db()
        .write(actor, move |tx| match create_if_absent(tx, &writer, id, &name)? {
            Some(team) => Ok((team, true)),
            None => Ok((update(tx, &writer, id, &name, &based_on)?, false)),
        })
        .await
}

pub(super) async fn patch(
    directory: &Directory,
    actor: &Actor,
    id: TeamId,
    name: String,
    based_on: EditBasis,
) -> Result<Team> {
    policy::may(actor, Permission::DirectoryTeamsManage)?;
    let writer = actor.clone();
    directory.db().write(actor, move |tx| update(tx, &writer, id, &name, &based_on)).await
}

pub(super) async fn delete(directory: &Directory, actor: &Actor, id: TeamId) -> Result<()> {
    policy::may(actor, Permission::DirectoryTeamsManage)?;
    let (directory, writer) = (directory.clone(), actor.clone());
    directory
        .clone()
        .db()
        .write(actor, move |tx| {
            find_visible(tx, &writer, id)?;
            // Its members are notified through the outbox.
            directory.notify_rights_changed(tx, writer.tenant, Vec::new());
            store::delete(tx.conn(), writer.tenant, id)?;
            activity::record(tx, &writer, &ActivityEntry::new(ActivityAction::TeamDelete, "team", id))
        })
        .await
}

pub(super) async fn members(
    directory: &Directory,
    actor: &Actor,
    id: TeamId,
    page: Page,
) -> Result<Vec<UserView>> {
    policy::may(actor, Permission::DirectoryTeams)?;
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

/// Returns true if the person was not in the team before.
pub(super) async fn add_member(
    directory: &Directory,
    actor: &Actor,
    id: TeamId,
    user: UserId,
) -> Result<bool> {
    policy::may(actor, Permission::DirectoryTeamsManage)?;
    let writer = actor.clone();
    directory
        .db()
        .write(actor, move |tx| {
            find_visible(tx, &writer, id)?;
            if !users::service::find_active(tx, &writer, user)?.role.is_operator() {
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
    id: TeamId,
    user: UserId,
) -> Result<()> {
    policy::may(actor, Permission::DirectoryTeamsManage)?;
    let (directory, writer) = (directory.clone(), actor.clone());
    directory
        .clone()
        .db()
        .write(actor, move |tx| {
            find_visible(tx, &writer, id)?;
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
    id: TeamId,
    user: UserId,
) -> Result<()> {
    activity::record(
        tx,
        actor,
        &ActivityEntry::new(action, "team", id).with_details(json!({ "user_id": user })),
    )
}

/// `None` if the team exists already.
fn create_if_absent(tx: &mut Tx<'_>, actor: &Actor, id: TeamId, name: &str) -> Result<Option<Team>> {
    let made = store::insert(tx.conn(), actor.tenant, id, name)?;
    if made.is_some() {
        activity::record(tx, actor, &ActivityEntry::new(ActivityAction::TeamCreate, "team", id))?;
    }
    Ok(made)
}

fn update(tx: &mut Tx<'_>, actor: &Actor, id: TeamId, name: &str, based_on: &EditBasis) -> Result<Team> {
    let team = store::lock(tx.conn(), actor.tenant, id)?.ok_or_else(|| Error::not_found("team"))?;
    let shown = serde_json::to_value(&team).map_err(Error::internal)?;
    let held =
        LockedRecord { kind: "team", id: id.0, updated_at: team.updated_at, updated_by: None, view: &shown };
    if !matches!(based_on, EditBasis::Missing) {
        optimistic_lock::check_version(tx, actor, based_on, &held, &json!({ "name": name }))?;
    }
    if team.name == name { Ok(team) } else { store::rename(tx.conn(), actor.tenant, id, name) }
}

fn find_visible(tx: &mut Tx<'_>, actor: &Actor, id: TeamId) -> Result<Team> {
    store::find(tx.conn(), actor.tenant, id)?.ok_or_else(|| Error::not_found("team"))
}
