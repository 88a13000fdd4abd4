//! `/projects`.

use actix_web::web::Data;
use actix_web::{delete, get, patch, post};
use guichet_base::id::{ClientId, ProjectId};
use guichet_base::{Result, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::Project;
use super::service;
use crate::directory::{Directory, optimistic_lock};
use crate::web::{Caller, Etag, IdempotencyKey, IfMatch, Json, Path, Query, Reply, Validator};

pub fn routes(config: &mut ServiceConfig) {
    config.service(list).service(create).service(read).service(patch).service(delete);
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ProjectsQuery {
    /// 1–200; the default is 50.
    limit: Option<i64>,
    /// The default is 0.
    offset: Option<i64>,
    client_id: Option<ClientId>,
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "client_id": "0193e0f2-7b1c-7c3e-9a52-3f0b8c1d2e4f", "name": "Refonte du site" }))]
struct NewProjectBody {
    client_id: ClientId,
    name: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Refonte du site" }))]
struct ProjectBody {
    name: String,
    /// The version that this change is based on.
    updated_at: Option<Timestamp>,
    /// Overwrite any newer version (operators only).
    #[serde(default)]
    force: bool,
}

fn validate_name(name: String) -> Result<String> {
    let mut check = Validator::new();
    let name = check.text("name", name, 1..=200);
    check.finish().map(|()| name)
}

fn reply_with_etag(project: Project, is_new: bool) -> Reply<Project> {
    let etag = Etag::new(project.id.0, project.updated_at);
    if is_new { Reply::created(project) } else { Reply::ok(project) }.etag(etag)
}

/// List the projects of the clients that the caller may see
#[utoipa::path(tag = "provisioning", operation_id = "list_projects", params(ProjectsQuery), responses((status = 200, body = [Project])))]
#[get("/projects")]
async fn list(
    caller: Caller,
    directory: Data<Directory>,
    Query(query): Query<ProjectsQuery>,
) -> Result<Reply<Vec<Project>>> {
    let mut check = Validator::new();
    let page = check.page(query.limit, query.offset);
    check.finish()?;
    let projects = service::list(&directory, &caller, query.client_id, page).await?;
    Ok(Reply::page(projects, page, None))
}

/// Create a project of a client
#[utoipa::path(tag = "provisioning", operation_id = "create_project", params(("Idempotency-Key" = Option<String>, Header)), request_body = NewProjectBody,
    responses((status = 201, body = Project)))]
#[post("/projects")]
async fn create(
    caller: Caller,
    directory: Data<Directory>,
    key: IdempotencyKey,
    Json(body): Json<NewProjectBody>,
) -> Result<Reply<Project>> {
    let once = key.bind_body(&body)?;
    let name = validate_name(body.name)?;
    let done = service::create(&directory, &caller, body.client_id, name, once).await?;
    let reply = reply_with_etag(done.value, true);
    Ok(if done.replayed { reply.replayed() } else { reply })
}

/// Get a project
#[utoipa::path(tag = "provisioning", operation_id = "read_project", params(("id" = ProjectId, Path)), responses((status = 200, body = Project)))]
#[get("/projects/{id}")]
async fn read(
    caller: Caller,
    directory: Data<Directory>,
    Path(id): Path<ProjectId>,
) -> Result<Reply<Project>> {
    Ok(reply_with_etag(service::read(&directory, &caller, id).await?, false))
}

/// Rename a project
#[utoipa::path(tag = "provisioning", operation_id = "patch_project", params(("id" = ProjectId, Path)), request_body = ProjectBody,
    responses((status = 200, body = Project)))]
#[patch("/projects/{id}")]
async fn patch(
    caller: Caller,
    directory: Data<Directory>,
    Path(id): Path<ProjectId>,
    if_match: IfMatch,
    Json(body): Json<ProjectBody>,
) -> Result<Reply<Project>> {
    let based_on = optimistic_lock::edit_basis(&caller, if_match, body.updated_at, body.force)?;
    let name = validate_name(body.name)?;
    Ok(reply_with_etag(service::patch(&directory, &caller, id, name, based_on).await?, false))
}

/// Delete a project
#[utoipa::path(tag = "provisioning", operation_id = "delete_project", params(("id" = ProjectId, Path)), responses((status = 200, body = Object)))]
#[delete("/projects/{id}")]
async fn delete(
    caller: Caller,
    directory: Data<Directory>,
    Path(id): Path<ProjectId>,
) -> Result<Reply<Value>> {
    service::delete(&directory, &caller, id).await?;
    Ok(Reply::ok(json!({ "id": id })))
}
