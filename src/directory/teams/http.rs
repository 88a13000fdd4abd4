//! `/teams`: groups of operators.

use actix_web::web::Data;
use actix_web::{delete, get, patch, post, put};
use guichet_base::id::{TeamId, UserId};
use guichet_base::{Actor, Result, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::Team;
use super::service;
use crate::directory::users::UserView;
use crate::directory::{Directory, optimistic_lock};
use crate::web::{
    Caller, EditBasis, Etag, IdempotencyKey, IfMatch, Json, PageQuery, Path, Query, Reply, Validator,
};

pub fn routes(config: &mut ServiceConfig) {
    config.service(list).service(create).service(read).service(put).service(patch).service(delete);
    config.service(members).service(add_member).service(remove_member);
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Support" }))]
struct TeamBody {
    name: String,
    /// The version that this change is based on.
    updated_at: Option<Timestamp>,
    /// Overwrite any newer version.
    #[serde(default)]
    force: bool,
}

impl TeamBody {
    fn into_name(self) -> Result<String> {
        let mut check = Validator::new();
        let name = check.text("name", self.name, 1..=200);
        check.finish().map(|()| name)
    }

    fn edit_basis(&self, actor: &Actor, if_match: IfMatch) -> Result<EditBasis> {
        optimistic_lock::edit_basis(actor, if_match, self.updated_at, self.force)
    }
}

fn reply_with_etag(team: Team, is_new: bool) -> Reply<Team> {
    let etag = Etag::new(team.id.0, team.updated_at);
    if is_new { Reply::created(team) } else { Reply::ok(team) }.etag(etag)
}

/// List all teams, ordered by name
#[utoipa::path(tag = "provisioning", operation_id = "list_teams", params(PageQuery), responses((status = 200, body = [Team])))]
#[get("/teams")]
async fn list(
    caller: Caller,
    directory: Data<Directory>,
    Query(query): Query<PageQuery>,
) -> Result<Reply<Vec<Team>>> {
    let page = query.page()?;
    Ok(Reply::page(service::list(&directory, &caller, page).await?, page, None))
}

/// Create a team
#[utoipa::path(tag = "provisioning", operation_id = "create_team", params(("Idempotency-Key" = Option<String>, Header)), request_body = TeamBody,
    responses((status = 201, body = Team)))]
#[post("/teams")]
async fn create(
    caller: Caller,
    directory: Data<Directory>,
    key: IdempotencyKey,
    Json(body): Json<TeamBody>,
) -> Result<Reply<Team>> {
    let once = key.bind_body(&body)?;
    let done = service::create(&directory, &caller, body.into_name()?, once).await?;
    let reply = reply_with_etag(done.value, true);
    Ok(if done.replayed { reply.replayed() } else { reply })
}

/// Get a team
#[utoipa::path(tag = "provisioning", operation_id = "read_team", params(("id" = TeamId, Path)), responses((status = 200, body = Team)))]
#[get("/teams/{id}")]
async fn read(caller: Caller, directory: Data<Directory>, Path(id): Path<TeamId>) -> Result<Reply<Team>> {
    Ok(reply_with_etag(service::read(&directory, &caller, id).await?, false))
}

/// Create or rename a team
#[utoipa::path(tag = "provisioning", operation_id = "put_team", params(("id" = TeamId, Path)), request_body = TeamBody,
    responses((status = 200, body = Team), (status = 201, body = Team)))]
#[put("/teams/{id}")]
async fn put(
    caller: Caller,
    directory: Data<Directory>,
    Path(id): Path<TeamId>,
    if_match: IfMatch,
    Json(body): Json<TeamBody>,
) -> Result<Reply<Team>> {
    let based_on = body.edit_basis(&caller, if_match)?;
    let (team, is_new) = service::put(&directory, &caller, id, body.into_name()?, based_on).await?;
    Ok(reply_with_etag(team, is_new))
}

/// Rename a team
#[utoipa::path(tag = "provisioning", operation_id = "patch_team", params(("id" = TeamId, Path)), request_body = TeamBody,
    responses((status = 200, body = Team)))]
#[patch("/teams/{id}")]
async fn patch(
    caller: Caller,
    directory: Data<Directory>,
    Path(id): Path<TeamId>,
    if_match: IfMatch,
    Json(body): Json<TeamBody>,
) -> Result<Reply<Team>> {
    let based_on = body.edit_basis(&caller, if_match)?;
    Ok(reply_with_etag(service::patch(&directory, &caller, id, body.into_name()?, based_on).await?, false))
}

/// Delete a team
#[utoipa::path(tag = "provisioning", operation_id = "delete_team", params(("id" = TeamId, Path)), responses((status = 200, body = Object),
    (status = 409, description = "`IN_USE`: the team is in charge of a client")))]
#[delete("/teams/{id}")]
async fn delete(caller: Caller, directory: Data<Directory>, Path(id): Path<TeamId>) -> Result<Reply<Value>> {
    service::delete(&directory, &caller, id).await?;
    Ok(Reply::ok(json!({ "id": id })))
}

/// List the members of a team
#[utoipa::path(tag = "provisioning", operation_id = "list_team_members", params(("id" = TeamId, Path), PageQuery), responses((status = 200, body = [UserView])))]
#[get("/teams/{id}/members")]
async fn members(
    caller: Caller,
    directory: Data<Directory>,
    Path(id): Path<TeamId>,
    Query(query): Query<PageQuery>,
) -> Result<Reply<Vec<UserView>>> {
    let page = query.page()?;
    Ok(Reply::page(service::members(&directory, &caller, id, page).await?, page, None))
}

/// Add an operator to a team
#[utoipa::path(tag = "provisioning", operation_id = "add_team_member", params(("id" = TeamId, Path), ("user_id" = UserId, Path)),
    responses((status = 200, body = Object), (status = 201, body = Object)))]
#[put("/teams/{id}/members/{user_id}")]
async fn add_member(
    caller: Caller,
    directory: Data<Directory>,
    Path((id, user)): Path<(TeamId, UserId)>,
) -> Result<Reply<Value>> {
    let is_new = service::add_member(&directory, &caller, id, user).await?;
    let data = json!({ "team_id": id, "user_id": user });
    Ok(if is_new { Reply::created(data) } else { Reply::ok(data) })
}

/// Remove an operator from a team
#[utoipa::path(tag = "provisioning", operation_id = "remove_team_member", params(("id" = TeamId, Path), ("user_id" = UserId, Path)),
    responses((status = 200, body = Object)))]
#[delete("/teams/{id}/members/{user_id}")]
async fn remove_member(
    caller: Caller,
    directory: Data<Directory>,
    Path((id, user)): Path<(TeamId, UserId)>,
) -> Result<Reply<Value>> {
    service::remove_member(&directory, &caller, id, user).await?;
    Ok(Reply::ok(json!({ "team_id": id, "user_id": user })))
}
