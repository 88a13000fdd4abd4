//! `/users`: people of the tenant, and their provisioning.

use actix_web::web::Data;
use actix_web::{delete, get, patch, post, put};
use guichet_base::id::UserId;
use guichet_base::{Locale, Result, Role, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{UserChange, UserView};
use super::store::UserFilter;
use super::{profile, service};
use crate::directory::{Directory, optimistic_lock};
use crate::web::{Caller, Etag, IfMatch, Json, Patch, Path, Query, Reply, Validator};

pub fn routes(config: &mut ServiceConfig) {
    config.service(list).service(read).service(put).service(patch).service(delete).service(revoke_tokens);
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct UsersQuery {
    /// 1–200; the default is 50.
    limit: Option<i64>,
    /// The default is 0.
    offset: Option<i64>,
    /// Part of a name or an email address.
    search: Option<String>,
    role: Option<PersonRole>,
}

/// A role that a person can have.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::directory) enum PersonRole {
    Owner,
    Manager,
    Employee,
    Client,
}

impl From<PersonRole> for Role {
    fn from(role: PersonRole) -> Self {
        match role {
            PersonRole::Owner => Role::Owner,
            PersonRole::Manager => Role::Manager,
            PersonRole::Employee => Role::Employee,
            PersonRole::Client => Role::Client,
        }
    }
}

/// The fields of a person. Absent fields stay unchanged.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "role": "employee", "display_name": "Ada Lovelace", "email": "ada@example.com" }))]
struct UserBody {
    role: Option<PersonRole>,
    display_name: Option<String>,
    /// The `sub` of their tokens if it is not a UUID; `id` is then the UUIDv5 of issuer and `sub`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    external_id: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    email: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    phone: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    avatar_url: Patch<String>,
    locale: Option<Locale>,
    timezone: Option<String>,
    /// The version that this change is based on, unless `If-Match` names it.
    updated_at: Option<Timestamp>,
    /// Overwrite any newer version.
    #[serde(default)]
    force: bool,
}

impl UserBody {
    fn into_change(self, check: &mut Validator) -> UserChange {
        UserChange {
            role: self.role.map(|role| Role::from(role).into_str()),
            external_id: check.text_patch("external_id", self.external_id, 1..=400).into_change(),
            display_name: check.text_opt("display_name", self.display_name, 1..=200),
            email: profile::email(check, self.email).into_change(),
            phone: profile::phone(check, self.phone).into_change(),
            avatar_url: profile::avatar_url(check, self.avatar_url).into_change(),
            locale: self.locale.map(|one| one.into_str()),
            timezone: profile::timezone(check, self.timezone),
        }
    }
}

/// List the people that the caller may see, ordered by name
#[utoipa::path(tag = "provisioning", operation_id = "list_users", params(UsersQuery), responses((status = 200, body = [UserView])))]
#[get("/users")]
async fn list(
    caller: Caller,
    directory: Data<Directory>,
    Query(query): Query<UsersQuery>,
) -> Result<Reply<Vec<UserView>>> {
    let mut check = Validator::new();
    let page = check.page(query.limit, query.offset);
    let search = check.text_opt("search", query.search, 1..=200);
    check.finish()?;
    let wanted = UserFilter { search, role: query.role.map(Role::from) };
    let users = service::list(&directory, &caller, wanted, page).await?;
    Ok(Reply::page(users, page, None))
}

/// Get a person
#[utoipa::path(tag = "provisioning", operation_id = "read_user", params(("id" = UserId, Path)), responses((status = 200, body = UserView)))]
#[get("/users/{id}")]
async fn read(caller: Caller, directory: Data<Directory>, Path(id): Path<UserId>) -> Result<Reply<UserView>> {
    let user = service::read(&directory, &caller, id).await?;
    let etag = Etag::new(user.id.0, user.updated_at);
    Ok(Reply::ok(user).etag(etag))
}

/// Create or change a person
///
/// Service tokens need no precondition. A deleted person is restored.
#[utoipa::path(tag = "provisioning", operation_id = "put_user", params(("id" = UserId, Path)), request_body = UserBody,
    responses((status = 200, body = UserView), (status = 201, body = UserView)))]
#[put("/users/{id}")]
async fn put(
    caller: Caller,
    directory: Data<Directory>,
    Path(id): Path<UserId>,
    if_match: IfMatch,
    Json(body): Json<UserBody>,
) -> Result<Reply<UserView>> {
    let based_on = optimistic_lock::edit_basis(&caller, if_match, body.updated_at, body.force)?;
    let mut check = Validator::new();
    check.ensure(body.role.is_some(), "role", "missing");
    check.ensure(body.display_name.is_some(), "display_name", "missing");
    let change = body.into_change(&mut check);
    check.finish()?;
    let (user, is_new) = service::put(&directory, &caller, id, change, based_on).await?;
    let etag = Etag::new(user.id.0, user.updated_at);
    Ok(if is_new { Reply::created(user) } else { Reply::ok(user) }.etag(etag))
}

/// Change a person
#[utoipa::path(tag = "provisioning", operation_id = "patch_user", params(("id" = UserId, Path)), request_body = UserBody,
    responses((status = 200, body = UserView)))]
#[patch("/users/{id}")]
async fn patch(
    caller: Caller,
    directory: Data<Directory>,
    Path(id): Path<UserId>,
    if_match: IfMatch,
    Json(body): Json<UserBody>,
) -> Result<Reply<UserView>> {
    let based_on = optimistic_lock::edit_basis(&caller, if_match, body.updated_at, body.force)?;
    let mut check = Validator::new();
    let change = body.into_change(&mut check);
    check.finish()?;
    let user = service::patch(&directory, &caller, id, change, based_on).await?;
    let etag = Etag::new(user.id.0, user.updated_at);
    Ok(Reply::ok(user).etag(etag))
}

/// Delete a person
///
/// They can no longer sign in, and they leave every team and client. Their messages keep their author.
#[utoipa::path(tag = "provisioning", operation_id = "delete_user", params(("id" = UserId, Path)), responses((status = 200, body = Object)))]
#[delete("/users/{id}")]
async fn delete(caller: Caller, directory: Data<Directory>, Path(id): Path<UserId>) -> Result<Reply<Value>> {
    service::delete(&directory, &caller, id).await?;
    Ok(Reply::ok(json!({ "id": id })))
}

/// The result of a revocation.
#[derive(Serialize, ToSchema)]
struct RevocationView {
    id: UserId,
    /// Tokens issued in this second or before it are refused.
    sessions_valid_after: Timestamp,
}

/// End every session of a person
///
/// Tokens issued so far are refused everywhere within two seconds, and open sockets are closed. Everyone may do this
/// for themselves: "log out everywhere".
#[utoipa::path(tag = "provisioning", operation_id = "revoke_tokens", params(("id" = UserId, Path)), responses((status = 200, body = RevocationView)))]
#[post("/users/{id}/revoke-tokens")]
async fn revoke_tokens(
    caller: Caller,
    directory: Data<Directory>,
    Path(id): Path<UserId>,
) -> Result<Reply<RevocationView>> {
    let sessions_valid_after = service::revoke_tokens(&directory, &caller, id).await?;
    Ok(Reply::ok(RevocationView { id, sessions_valid_after }))
}
