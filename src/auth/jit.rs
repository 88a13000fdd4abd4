//! Just-in-time provisioning (`JIT_USERS`): the first token of a person creates their row, later ones update it.
//!
//! A token updates the row only if it was issued after the row last changed, so that an old token cannot undo a
//! demotion. Fields that a person changed themselves (`PATCH /me`) are never overwritten from a token.

use guichet_base::id::TenantId;
use guichet_base::{Error, Result, Timestamp};
use guichet_db::Tx;

use crate::auth::store;
use crate::auth::token::Claims;
use crate::directory::users::{self, DEFAULT_TIMEZONE, NewUser, User, UserChange};
use crate::directory::{Directory, service_user_id};

/// Creates or updates the person of `claims` and returns their row, which may be marked deleted.
pub(super) fn provision(
    tx: &mut Tx<'_>,
    directory: &Directory,
    tenant: TenantId,
    claims: &Claims,
) -> Result<User> {
    let user = match users::store::lock(tx.conn(), tenant, claims.user)? {
        // The token is about to be refused, so it changes nothing.
        Some(user) if user.is_token_revoked(claims.issued_at) => return Ok(user),
        Some(user) => update_from_claims(tx, directory, tenant, user, claims)?,
        None => create_user(tx, tenant, claims)?,
    };
    if user.role == guichet_base::Role::Client && user.deleted_at.is_none() && !claims.clients.is_empty() {
        store::join_clients(tx.conn(), user.id, &claims.clients)?;
    }
    Ok(user)
}

fn create_user(tx: &mut Tx<'_>, tenant: TenantId, claims: &Claims) -> Result<User> {
    let name = [&claims.name, &claims.email, &claims.external_id].into_iter().flatten().next();
    let new = NewUser {
        tenant_id: tenant,
        id: claims.user,
        external_id: claims.external_id.clone(),
        role: claims.role.into_str(),
        email: claims.email.clone(),
        phone: None,
        display_name: name.map_or_else(|| claims.user.to_string(), |name| name.chars().take(200).collect()),
        avatar_url: None,
        locale: claims.locale.unwrap_or_default().into_str(),
        timezone: DEFAULT_TIMEZONE.to_owned(),
        updated_by: service_user_id(),
    };
    if let Some(user) = users::store::insert(tx.conn(), &new)? {
        return Ok(user);
    }
    // Another request created the row at the same moment.
    users::store::find(tx.conn(), tenant, claims.user)?
        .ok_or_else(|| Error::internal("a person came and went"))
}

fn update_from_claims(
    tx: &mut Tx<'_>,
    directory: &Directory,
    tenant: TenantId,
    user: User,
    claims: &Claims,
) -> Result<User> {
    let change = diff_claims(&user, claims);
    if user.deleted_at.is_some() || change == UserChange::default() {
        return Ok(user);
    }
    if change.role.is_some() {
        users::store::delete_obsolete_memberships(tx.conn(), tenant, user.id, claims.role)?;
        directory.notify_rights_changed(tx, tenant, vec![user.id]);
    }
    users::store::update(tx.conn(), tenant, user.id, &change)
}

/// The fields in which `claims` differ from the row.
fn diff_claims(user: &User, claims: &Claims) -> UserChange {
    if claims.issued_at.is_some_and(|issued_at| whole_seconds(user.updated_at) > whole_seconds(issued_at)) {
        return UserChange::default();
    }
    let by_themselves = user.updated_by == Some(user.id);
    let differs = |said: &Option<String>, is: Option<&str>| {
        said.clone().filter(|said| !by_themselves && Some(said.as_str()) != is)
    };
    UserChange {
        role: (user.role != claims.role).then(|| claims.role.into_str()),
        display_name: differs(&claims.name, Some(&user.display_name)),
        email: differs(&claims.email, user.email.as_deref()).map(Some),
        ..UserChange::default()
    }
}

/// Times in tokens have a resolution of one second.
fn whole_seconds(time: Timestamp) -> i64 {
    time.as_millis().div_euclid(1000)
}
