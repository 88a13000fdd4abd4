//! Use cases of projects.
//!
//! A project is only a name, so naming the version that a change is based on is optional.

use guichet_base::id::{ClientId, ProjectId};
use guichet_base::page::Page;
use guichet_base::{Actor, Error, ErrorKind, Result};
use guichet_db::Tx;
use serde_json::json;

use super::model::Project;
use super::store;
use crate::directory::clients;
use crate::directory::optimistic_lock::{self, LockedRecord};
use crate::directory::{Directory, policy};
use crate::web::{EditBasis, IdempotentRequest, Replayable};
use guichet_base::permission::Permission;

pub(super) async fn list(
    directory: &Directory,
    actor: &Actor,
    client: Option<ClientId>,
    page: Page,
) -> Result<Vec<Project>> {
    policy::may(actor, Permission::DirectoryView)?;
    let tenant = actor.tenant;
    directory.db().read(actor, move |tx| store::list(tx.conn(), tenant, client, page)).await
}

pub(super) async fn read(directory: &Directory, actor: &Actor, id: ProjectId) -> Result<Project> {
    policy::may(actor, Permission::DirectoryView)?;
    let reader = actor.clone();
    directory.db().read(actor, move |tx| find_visible(tx, &reader, id)).await
}

pub(super) async fn create(
    directory: &Directory,
    actor: &Actor,
    client: ClientId,
    name: String,
    once: IdempotentRequest,
) -> Result<Replayable<Project>> {
    policy::may(actor, Permission::ClientEdit)?;
    let writer = actor.clone();
    directory
        .db()
        .write(actor, move |tx| {
            once.run_once(tx, |tx| {
                clients::service::find_visible(tx, &writer, client).map_err(|error| match error.kind() {
                    ErrorKind::NotFound => Error::invalid("client_id", "unknown_id"),
                    _ => error,
                })?;
                store::insert(tx.conn(), writer.tenant, client, &name)
            })
        })
        .await
}

pub(super) async fn patch(
    directory: &Directory,
    actor: &Actor,
    id: ProjectId,
    name: String,
    based_on: EditBasis,
) -> Result<Project> {
    policy::may(actor, Permission::DirectoryView)?;
    let writer = actor.clone();
    directory.db().write(actor, move |tx| update(tx, &writer, id, &name, &based_on)).await
}

pub(super) async fn delete(directory: &Directory, actor: &Actor, id: ProjectId) -> Result<()> {
    policy::may(actor, Permission::DirectoryView)?;
    let writer = actor.clone();
    directory
        .db()
        .write(actor, move |tx| {
            find_visible(tx, &writer, id)?;
            policy::may(&writer, Permission::ClientEdit)?;
            store::delete(tx.conn(), writer.tenant, id)
        })
        .await
}

fn update(
    tx: &mut Tx<'_>,
    actor: &Actor,
    id: ProjectId,
    name: &str,
    based_on: &EditBasis,
) -> Result<Project> {
    find_visible(tx, actor, id)?;
    policy::may(actor, Permission::ClientEdit)?;
    let project = store::lock(tx.conn(), actor.tenant, id)?.ok_or_else(|| Error::not_found("project"))?;
    let shown = serde_json::to_value(&project).map_err(Error::internal)?;
    let held = LockedRecord {
        kind: "project",
        id: id.0,
        updated_at: project.updated_at,
        updated_by: None,
        view: &shown,
    };
    if !matches!(based_on, EditBasis::Missing) {
        optimistic_lock::check_version(tx, actor, based_on, &held, &json!({ "name": name }))?;
    }
    if project.name == name { Ok(project) } else { store::rename(tx.conn(), actor.tenant, id, name) }
}

fn find_visible(tx: &mut Tx<'_>, actor: &Actor, id: ProjectId) -> Result<Project> {
    store::find(tx.conn(), actor.tenant, id)?.ok_or_else(|| Error::not_found("project"))
}
