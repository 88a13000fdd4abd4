//! Use cases of people.

use guichet_base::id::UserId;
use guichet_base::page::Page;
use guichet_base::{Actor, Error, Result, Role, Timestamp};
use guichet_db::Tx;
use serde_json::{Value, json};

use super::model::{DEFAULT_TIMEZONE, NewUser, User, UserChange, UserView};
use super::store::{self, UserFilter};
use crate::activity::{self, ActivityAction, ActivityEntry};
use crate::directory::optimistic_lock::{self, LockedRecord};
use crate::directory::{Directory, policy};
use crate::web::EditBasis;
use guichet_base::permission::Permission;

pub(super) async fn list(
    directory: &Directory,
    actor: &Actor,
    wanted: UserFilter,
    page: Page,
) -> Result<Vec<UserView>> {
    policy::may(actor, Permission::DirectoryView)?;
    let reader = actor.clone();
    directory
        .db()
        .read(actor, move |tx| {
            let users = store::list(tx.conn(), reader.tenant, &wanted, page)?;
            Ok(users.into_iter().map(|user| user.view_for(&reader)).collect())
        })
        .await
}

pub(super) async fn read(directory: &Directory, actor: &Actor, id: UserId) -> Result<UserView> {
    policy::may(actor, Permission::DirectoryView)?;
    let reader = actor.clone();
    directory.db().read(actor, move |tx| Ok(find_active(tx, &reader, id)?.view_for(&reader))).await
}

/// Creates or changes the person. Returns true if they were created. A deleted person is restored.
pub(super) async fn put(
    directory: &Directory,
    actor: &Actor,
    id: UserId,
    change: UserChange,
    based_on: EditBasis,
) -> Result<(UserView, bool)> {
    policy::may(actor, Permission::DirectoryView)?;
    let (directory, writer) = (directory.clone(), actor.clone());
    directory
        .clone()
        .db()
        .write(actor, move |tx| {
            let made = match store::find(tx.conn(), writer.tenant, id)? {
                Some(user) if user.deleted_at.is_none() => None,
                Some(user) => Some(restore(tx, &writer, &user, &change)?),
                None => create_if_absent(tx, &writer, id, &change)?,
            };
            directory.notify_rights_changed(tx, writer.tenant, vec![id]);
            match made {
                Some(user) => Ok((user.view_for(&writer), true)),
                None => Ok((update(tx, &writer, id, &change, &based_on)?.view_for(&writer), false)),
            }
        })
        .await
}

pub(super) async fn patch(
    directory: &Directory,
    actor: &Actor,
    id: UserId,
    change: UserChange,
    based_on: EditBasis,
) -> Result<UserView> {
    policy::may(actor, Permission::DirectoryView)?;
    let (directory, writer) = (directory.clone(), actor.clone());
    directory
        .clone()
        .db()
        .write(actor, move |tx| {
            directory.notify_rights_changed(tx, writer.tenant, vec![id]);
            Ok(update(tx, &writer, id, &change, &based_on)?.view_for(&writer))
        })
        .await
}

pub(super) async fn delete(directory: &Directory, actor: &Actor, id: UserId) -> Result<()> {
    policy::may(actor, Permission::DirectoryView)?;
    let (directory, writer) = (directory.clone(), actor.clone());
    directory
        .clone()
        .db()
        .write(actor, move |tx| {
            let user = find_active(tx, &writer, id)?;
            policy::may_manage_user(&writer, user.role)?;
            policy::may_change_standing(&writer, id)?;
            store::delete_client_memberships(tx.conn(), writer.tenant, id)?;
            store::delete_assignments(tx.conn(), writer.tenant, id)?;
            store::delete(tx.conn(), writer.tenant, id, directory.clock().now())?;
            directory.notify_rights_changed(tx, writer.tenant, vec![id]);
            activity::record(tx, &writer, &ActivityEntry::new(ActivityAction::UserDelete, "user", id))
        })
        .await
}

/// Revokes the person's tokens issued so far. Returns the time after which tokens are valid.
pub(super) async fn revoke_tokens(directory: &Directory, actor: &Actor, id: UserId) -> Result<Timestamp> {
    policy::may(actor, Permission::DirectoryView)?;
    let (directory, writer) = (directory.clone(), actor.clone());
    directory
        .clone()
        .db()
        .write(actor, move |tx| {
            let user = find_active(tx, &writer, id)?;
            policy::may_revoke(&writer, id, user.role)?;
            let now = directory.clock().now();
            let valid_after = store::revoke(tx.conn(), writer.tenant, id, now)?;
            let valid_after = valid_after.ok_or_else(|| Error::not_found("user"))?;
            directory.notify_rights_changed(tx, writer.tenant, vec![id]);
            activity::record(
                tx,
                &writer,
                &ActivityEntry::new(ActivityAction::UserTokensRevoked, "user", id),
            )?;
            Ok(valid_after)
        })
        .await
}

/// The changes that people may make to their own profile.
pub(in crate::directory) fn update_profile(
    tx: &mut Tx<'_>,
    actor: &Actor,
    change: &UserChange,
    based_on: &EditBasis,
) -> Result<User> {
    policy::require_person(actor)?;
    let user = store::lock(tx.conn(), actor.tenant, actor.user)?;
    let user = user.filter(|user| user.deleted_at.is_none()).ok_or_else(Error::unauthenticated)?;
    apply_change(tx, actor, user, change, based_on)
}

fn create_if_absent(tx: &mut Tx<'_>, actor: &Actor, id: UserId, change: &UserChange) -> Result<Option<User>> {
    let role =
        change.role.and_then(Role::parse_person_role).ok_or_else(|| Error::invalid("role", "missing"))?;
    policy::may_manage_user(actor, role)?;
    let new = NewUser {
        tenant_id: actor.tenant,
        id,
        external_id: change.external_id.clone().flatten(),
        role: role.into_str(),
        email: change.email.clone().flatten(),
        phone: change.phone.clone().flatten(),
        display_name: change.display_name.clone().ok_or_else(|| Error::invalid("display_name", "missing"))?,
        avatar_url: change.avatar_url.clone().flatten(),
        locale: change.locale.unwrap_or("fr"),
        timezone: change.timezone.clone().unwrap_or_else(|| DEFAULT_TIMEZONE.to_owned()),
        updated_by: actor.user,
    };
    // `None`: another request created them at the same moment, so this one changes them.
    let made = store::insert(tx.conn(), &new)?;
    if made.is_some() {
        let entry =
            ActivityEntry::new(ActivityAction::UserCreate, "user", id).with_details(json!({ "role": role }));
        activity::record(tx, actor, &entry)?;
    }
    Ok(made)
}

fn restore(tx: &mut Tx<'_>, actor: &Actor, user: &User, change: &UserChange) -> Result<User> {
    policy::may_manage_user(actor, user.role)?;
    let role = change.role.and_then(Role::parse_person_role).unwrap_or(user.role);
    policy::may_manage_user(actor, role)?;
    store::restore(tx.conn(), actor.tenant, user.id)?;
    let entry = ActivityEntry::new(ActivityAction::UserCreate, "user", user.id)
        .with_details(json!({ "role": role, "again": true }));
    activity::record(tx, actor, &entry)?;
    store::update(tx.conn(), actor.tenant, user.id, change)
}

fn update(
    tx: &mut Tx<'_>,
    actor: &Actor,
    id: UserId,
    change: &UserChange,
    based_on: &EditBasis,
) -> Result<User> {
    let user = find_active(tx, actor, id)?;
    policy::may_manage_user(actor, user.role)?;
    if let Some(role) = change.role.and_then(Role::parse_person_role).filter(|role| *role != user.role) {
        policy::may_manage_user(actor, role)?;
        policy::may_change_standing(actor, id)?;
    }
    if change.external_id.as_ref().is_some_and(|external_id| *external_id != user.external_id) {
        policy::may_change_standing(actor, id)?;
    }
    let user = store::lock(tx.conn(), actor.tenant, id)?.ok_or_else(|| Error::not_found("user"))?;
    apply_change(tx, actor, user, change, based_on)
}

fn apply_change(
    tx: &mut Tx<'_>,
    actor: &Actor,
    user: User,
    change: &UserChange,
    based_on: &EditBasis,
) -> Result<User> {
    let shown = view_json(&user, actor)?;
    let held = LockedRecord {
        kind: "user",
        id: user.id.0,
        updated_at: user.updated_at,
        updated_by: user.updated_by,
        view: &shown,
    };
    if !optimistic_lock::check_version(tx, actor, based_on, &held, change)?
        || *change == UserChange::default()
    {
        return Ok(user);
    }
    if let Some(role) = change.role.and_then(Role::parse_person_role).filter(|role| *role != user.role) {
        store::delete_obsolete_memberships(tx.conn(), actor.tenant, user.id, role)?;
        let details = json!({ "role": { "from": user.role, "to": role } });
        activity::record(
            tx,
            actor,
            &ActivityEntry::new(ActivityAction::UserUpdate, "user", user.id).with_details(details),
        )?;
    }
    store::update(tx.conn(), actor.tenant, user.id, change)
}

/// Errors: `NOT_FOUND` for people that the actor may not see, and for deleted people.
pub(in crate::directory) fn find_active(tx: &mut Tx<'_>, actor: &Actor, id: UserId) -> Result<User> {
    let user = store::find(tx.conn(), actor.tenant, id)?;
    user.filter(|user| user.deleted_at.is_none()).ok_or_else(|| Error::not_found("user"))
}

fn view_json(user: &User, actor: &Actor) -> Result<Value> {
    serde_json::to_value(user.clone().view_for(actor)).map_err(Error::internal)
}
