//! People who are made by their first token (`JIT_USERS`), and kept in line with their later ones.
//!
//! A token brings the row in line only if it was issued since the row last changed: an old one must not undo a
//! demotion. What a person says of themselves (`PATCH /me`) outlives what their tokens say.

use guichet_base::id::TenantId;
use guichet_base::{Error, Result, Timestamp};
use guichet_db::Tx;

use crate::auth::store;
use crate::auth::token::Claims;
use crate::directory::users::{self, DEFAULT_TIMEZONE, NewUser, User, UserChange};
use crate::directory::{Directory, provisioner};

/// The person of `claims` as they now are, perhaps deleted.
pub(super) fn bring_in(
    tx: &mut Tx<'_>,
    directory: &Directory,
    tenant: TenantId,
    claims: &Claims,
) -> Result<User> {
    let user = match users::store::lock(tx.conn(), tenant, claims.user)? {
        // It is about to be refused: it must not change anything either.
        Some(user) if user.has_revoked(claims.issued_at) => return Ok(user),
        Some(user) => follow(tx, directory, tenant, user, claims)?,
        None => make(tx, tenant, claims)?,
    };
    if user.role == guichet_base::Role::Client && user.deleted_at.is_none() && !claims.clients.is_empty() {
        store::join_clients(tx.conn(), user.id, &claims.clients)?;
    }
    Ok(user)
}

fn make(tx: &mut Tx<'_>, tenant: TenantId, claims: &Claims) -> Result<User> {
    let name = [&claims.name, &claims.email, &claims.external_id].into_iter().flatten().next();
    let new = NewUser {
        tenant_id: tenant,
        id: claims.user,
        external_id: claims.external_id.clone(),
        role: claims.role.as_str(),
        email: claims.email.clone(),
        phone: None,
        display_name: name.map_or_else(|| claims.user.to_string(), |name| name.chars().take(200).collect()),
        avatar_url: None,
        locale: claims.locale.unwrap_or_default().as_str(),
        timezone: DEFAULT_TIMEZONE.to_owned(),
        updated_by: provisioner(),
    };
    if let Some(user) = users::store::insert(tx.conn(), &new)? {
        return Ok(user);
    }
    // Made at the same moment by another request.
    users::store::find(tx.conn(), tenant, claims.user)?
        .ok_or_else(|| Error::internal("a person came and went"))
}

fn follow(
    tx: &mut Tx<'_>,
    directory: &Directory,
    tenant: TenantId,
    user: User,
    claims: &Claims,
) -> Result<User> {
    let change = drift(&user, claims);
    if user.deleted_at.is_some() || change == UserChange::default() {
        return Ok(user);
    }
    if change.role.is_some() {
        users::store::change_sides(tx.conn(), tenant, user.id, claims.role)?;
        directory.rights_moved(tx, tenant, vec![user.id]);
    }
    users::store::update(tx.conn(), tenant, user.id, &change)
}

/// What `claims` say otherwise than the row.
fn drift(user: &User, claims: &Claims) -> UserChange {
    if claims.issued_at.is_some_and(|issued_at| whole_seconds(user.updated_at) > whole_seconds(issued_at)) {
        return UserChange::default();
    }
    let by_themselves = user.updated_by == Some(user.id);
    let differs = |said: &Option<String>, is: Option<&str>| {
        said.clone().filter(|said| !by_themselves && Some(said.as_str()) != is)
    };
    UserChange {
        role: (user.role != claims.role).then(|| claims.role.as_str()),
        display_name: differs(&claims.name, Some(&user.display_name)),
        email: differs(&claims.email, user.email.as_deref()).map(Some),
        ..UserChange::default()
    }
}

/// Tokens tell time in whole seconds.
fn whole_seconds(time: Timestamp) -> i64 {
    time.as_millis().div_euclid(1000)
}
