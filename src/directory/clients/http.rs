//! `/clients`: customer accounts and their members.

use actix_web::web::Data;
use actix_web::{delete, get, patch, post, put};
use guichet_base::id::{ClientId, TeamId, UserId};
use guichet_base::{Fault, Result, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{ClientChange, ClientStatus, ClientView};
use super::service;
use super::store::{ClientFilter, ClientSort};
use crate::directory::users::UserView;
use crate::directory::{Directory, optimistic_lock};
use crate::web::{
    Caller, Etag, IdempotencyKey, IfMatch, Json, PageQuery, Patch, Path, Query, Reply, Validator,
};

/// Size of `details` as JSON.
const MAX_DETAILS_BYTES: usize = 16 * 1024;

pub fn routes(config: &mut ServiceConfig) {
    config.service(list).service(create).service(read).service(put).service(patch);
    config.service(members).service(add_member).service(remove_member);
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ClientsQuery {
    /// 1–200; the default is 50.
    limit: Option<i64>,
    /// The default is 0.
    offset: Option<i64>,
    /// Part of a name.
    search: Option<String>,
    status: Option<ClientStatus>,
    /// `name` (default), `created_at` or `updated_at`; a leading `-` reverses the order. Or `online`: clients with a
    /// member online first, then the most recently changed.
    sort: Option<String>,
}

impl ClientsQuery {
    fn into_filter(self, check: &mut Validator) -> ClientFilter {
        let sort = self.sort.unwrap_or_else(|| "name".to_owned());
        let (word, descending) = match sort.strip_prefix('-') {
            Some(word) => (word, true),
            None => (&*sort, false),
        };
        let sort = check.parse_enum("sort", word, |word| match word {
            "name" => Some(ClientSort::Name),
            "created_at" => Some(ClientSort::CreatedAt),
            "updated_at" => Some(ClientSort::UpdatedAt),
            "online" if !descending => Some(ClientSort::Online),
            _ => None,
        });
        ClientFilter {
            search: check.text_opt("search", self.search, 1..=200),
            status: self.status.map(|one| one.into_str()),
            sort: sort.unwrap_or_default(),
            descending,
            online: Vec::new(),
        }
    }
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Boulangerie Martin", "details": { "siret": "73282932000074" } }))]
struct NewClientBody {
    name: String,
    /// The operator in charge.
    operator_id: Option<UserId>,
    team_id: Option<TeamId>,
    status: Option<ClientStatus>,
    #[schema(value_type = Option<Object>)]
    details: Option<Map<String, Value>>,
}

impl NewClientBody {
    fn into_change(self, check: &mut Validator) -> ClientChange {
        ClientChange {
            name: Some(check.text("name", self.name, 1..=200)),
            operator_id: Some(self.operator_id),
            team_id: Some(self.team_id),
            status: self.status.map(|one| one.into_str()),
            details: checked_details(check, self.details),
        }
    }
}

/// The fields of a client. Absent fields stay unchanged.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Boulangerie Martin", "updated_at": "2026-01-02T10:00:00.123Z" }))]
struct ClientBody {
    name: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<UserId>)]
    operator_id: Patch<UserId>,
    #[serde(default)]
    #[schema(value_type = Option<TeamId>)]
    team_id: Patch<TeamId>,
    status: Option<ClientStatus>,
    #[schema(value_type = Option<Object>)]
    details: Option<Map<String, Value>>,
    /// The version that this change is based on, unless `If-Match` names it.
    updated_at: Option<Timestamp>,
    /// Overwrite any newer version (operators only). The activity log keeps what was overwritten.
    #[serde(default)]
    force: bool,
}

impl ClientBody {
    fn into_change(self, check: &mut Validator) -> ClientChange {
        ClientChange {
            name: check.text_opt("name", self.name, 1..=200),
            operator_id: self.operator_id.into_change(),
            team_id: self.team_id.into_change(),
            status: self.status.map(|one| one.into_str()),
            details: checked_details(check, self.details),
        }
    }
}

fn checked_details(check: &mut Validator, details: Option<Map<String, Value>>) -> Option<Value> {
    let details = details.map(Value::Object);
    if details.as_ref().is_some_and(|details| details.to_string().len() > MAX_DETAILS_BYTES) {
        check.add(Fault::new("details", "too_long").with_arg("max", MAX_DETAILS_BYTES));
    }
    details
}

fn reply_with_etag(client: ClientView, is_new: bool) -> Reply<ClientView> {
    let etag = Etag::new(client.id.0, client.updated_at);
    if is_new { Reply::created(client) } else { Reply::ok(client) }.etag(etag)
}

/// List the clients that the caller may see
#[utoipa::path(tag = "provisioning", operation_id = "list_clients", params(ClientsQuery), responses((status = 200, body = [ClientView])))]
#[get("/clients")]
async fn list(
    caller: Caller,
    directory: Data<Directory>,
    Query(query): Query<ClientsQuery>,
) -> Result<Reply<Vec<ClientView>>> {
    let mut check = Validator::new();
    let page = check.page(query.limit, query.offset);
    let wanted = query.into_filter(&mut check);
    check.finish()?;
    let clients = service::list(&directory, &caller, wanted, page).await?;
    Ok(Reply::page(clients, page, None))
}

/// Create a client and its room
#[utoipa::path(tag = "provisioning", operation_id = "create_client", params(("Idempotency-Key" = Option<String>, Header)), request_body = NewClientBody,
    responses((status = 201, body = ClientView)))]
#[post("/clients")]
async fn create(
    caller: Caller,
    directory: Data<Directory>,
    key: IdempotencyKey,
    Json(body): Json<NewClientBody>,
) -> Result<Reply<ClientView>> {
    let once = key.bind_body(&body)?;
    let mut check = Validator::new();
    let change = body.into_change(&mut check);
    check.finish()?;
    let done = service::create(&directory, &caller, change, once).await?;
    let reply = reply_with_etag(done.value, true);
    Ok(if done.replayed { reply.replayed() } else { reply })
}

/// Get a client
#[utoipa::path(tag = "provisioning", operation_id = "read_client", params(("id" = ClientId, Path)), responses((status = 200, body = ClientView)))]
#[get("/clients/{id}")]
async fn read(
    caller: Caller,
    directory: Data<Directory>,
    Path(id): Path<ClientId>,
) -> Result<Reply<ClientView>> {
    Ok(reply_with_etag(service::read(&directory, &caller, id).await?, false))
}

/// Create or change a client
///
/// Service tokens need no precondition.
#[utoipa::path(tag = "provisioning", operation_id = "put_client", params(("id" = ClientId, Path)), request_body = ClientBody,
    responses((status = 200, body = ClientView), (status = 201, body = ClientView),
        (status = 412, description = "`If-Match` names another version")))]
#[put("/clients/{id}")]
async fn put(
    caller: Caller,
    directory: Data<Directory>,
    Path(id): Path<ClientId>,
    if_match: IfMatch,
    Json(body): Json<ClientBody>,
) -> Result<Reply<ClientView>> {
    let based_on = optimistic_lock::edit_basis(&caller, if_match, body.updated_at, body.force)?;
    let mut check = Validator::new();
    check.ensure(body.name.is_some(), "name", "missing");
    let change = body.into_change(&mut check);
    check.finish()?;
    let (client, is_new) = service::put(&directory, &caller, id, change, based_on).await?;
    Ok(reply_with_etag(client, is_new))
}

/// Change a client
///
/// The change is based on the version in `updated_at` or `If-Match`; if the record has another version, nothing
/// changes.
#[utoipa::path(tag = "provisioning", operation_id = "patch_client", params(("id" = ClientId, Path)), request_body = ClientBody,
    responses((status = 200, body = ClientView), (status = 409, description = "Changed by another"),
        (status = 412, description = "`If-Match` names another version"),
        (status = 428, description = "Neither `updated_at` nor `If-Match`")))]
#[patch("/clients/{id}")]
async fn patch(
    caller: Caller,
    directory: Data<Directory>,
    Path(id): Path<ClientId>,
    if_match: IfMatch,
    Json(body): Json<ClientBody>,
) -> Result<Reply<ClientView>> {
    let based_on = optimistic_lock::edit_basis(&caller, if_match, body.updated_at, body.force)?;
    let mut check = Validator::new();
    let change = body.into_change(&mut check);
    check.finish()?;
    Ok(reply_with_etag(service::patch(&directory, &caller, id, change, based_on).await?, false))
}

/// List the members of a client
#[utoipa::path(tag = "provisioning", operation_id = "list_client_members", params(("id" = ClientId, Path), PageQuery), responses((status = 200, body = [UserView])))]
#[get("/clients/{id}/members")]
async fn members(
    caller: Caller,
    directory: Data<Directory>,
    Path(id): Path<ClientId>,
    Query(query): Query<PageQuery>,
) -> Result<Reply<Vec<UserView>>> {
    let page = query.page()?;
    Ok(Reply::page(service::members(&directory, &caller, id, page).await?, page, None))
}

/// Add a person to the members of a client
#[utoipa::path(tag = "provisioning", operation_id = "add_client_member", params(("id" = ClientId, Path), ("user_id" = UserId, Path)),
    responses((status = 200, body = Object), (status = 201, body = Object)))]
#[put("/clients/{id}/members/{user_id}")]
async fn add_member(
    caller: Caller,
    directory: Data<Directory>,
    Path((id, user)): Path<(ClientId, UserId)>,
) -> Result<Reply<Value>> {
    let is_new = service::add_member(&directory, &caller, id, user).await?;
    let data = json!({ "client_id": id, "user_id": user });
    Ok(if is_new { Reply::created(data) } else { Reply::ok(data) })
}

/// Remove a person from the members of a client
#[utoipa::path(tag = "provisioning", operation_id = "remove_client_member", params(("id" = ClientId, Path), ("user_id" = UserId, Path)),
    responses((status = 200, body = Object)))]
#[delete("/clients/{id}/members/{user_id}")]
async fn remove_member(
    caller: Caller,
    directory: Data<Directory>,
    Path((id, user)): Path<(ClientId, UserId)>,
) -> Result<Reply<Value>> {
    service::remove_member(&directory, &caller, id, user).await?;
    Ok(Reply::ok(json!({ "client_id": id, "user_id": user })))
}
