//! `/clients/{id}/notification-overrides`: operators' overrides for the members of a client.

use actix_web::web::Data;
use actix_web::{delete, get, put};
use guichet_base::id::{ClientId, UserId};
use guichet_base::{Result, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::ChannelsBody;
use crate::directory::Directory;
use crate::preferences::model::Category;
use crate::preferences::service;
use crate::preferences::store::Override;
use crate::web::{Caller, Json, Path, Reply};

/// The override for a client in one category: true is on, false is off, null is no override.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClientOverride {
    client_id: ClientId,
    category: Category,
    #[schema(required)]
    channel_inapp: Option<bool>,
    #[schema(required)]
    channel_email: Option<bool>,
    #[schema(required)]
    channel_sms: Option<bool>,
    #[schema(required)]
    channel_push: Option<bool>,
    /// Null if there is no override.
    #[schema(required)]
    updated_by: Option<UserId>,
    #[schema(required)]
    updated_at: Option<Timestamp>,
}

impl ClientOverride {
    fn new((client_id, category): (ClientId, Category), stored: Option<Override>) -> Self {
        let choices = stored.map(|found| found.choices).unwrap_or_default();
        Self {
            client_id,
            category,
            channel_inapp: choices.inapp,
            channel_email: choices.email,
            channel_sms: choices.sms,
            channel_push: choices.push,
            updated_by: stored.and_then(|found| found.updated_by),
            updated_at: stored.map(|found| found.updated_at),
        }
    }
}

/// List the overrides for a client by category
#[utoipa::path(tag = "preferences", operation_id = "list_notification_overrides", params(("id" = ClientId, Path)), responses((status = 200, body = [ClientOverride])))]
#[get("/clients/{id}/notification-overrides")]
pub(super) async fn list(
    caller: Caller,
    directory: Data<Directory>,
    Path(id): Path<ClientId>,
) -> Result<Reply<Vec<ClientOverride>>> {
    let found = service::overrides(&directory, &caller, id).await?;
    let to_response = |(category, stored)| ClientOverride::new((id, category), Some(stored));
    Ok(Reply::ok(found.into_iter().map(to_response).collect()))
}

/// Get the override for a client in one category
#[utoipa::path(tag = "preferences", operation_id = "read_notification_override", params(("id" = ClientId, Path), ("category" = Category, Path)),
    responses((status = 200, body = ClientOverride)))]
#[get("/clients/{id}/notification-overrides/{category}")]
pub(super) async fn read(
    caller: Caller,
    directory: Data<Directory>,
    Path(key): Path<(ClientId, Category)>,
) -> Result<Reply<ClientOverride>> {
    let found = service::find_override(&directory, &caller, key).await?;
    Ok(Reply::ok(ClientOverride::new(key, found)))
}

/// Override channels for the members of a client
///
/// The override wins over their own choices, is shown to them as an override, and is recorded in the activity log.
/// In-app cannot be turned off for `system` and `graduation`.
#[utoipa::path(tag = "preferences", operation_id = "put_notification_override", params(("id" = ClientId, Path), ("category" = Category, Path)),
    request_body = ChannelsBody, responses((status = 200, body = ClientOverride),
        (status = 422, description = "`PREFERENCE_LOCKED`; `VALIDATION_ERROR`, with all faults")))]
#[put("/clients/{id}/notification-overrides/{category}")]
pub(super) async fn put(
    caller: Caller,
    directory: Data<Directory>,
    Path(key): Path<(ClientId, Category)>,
    Json(body): Json<ChannelsBody>,
) -> Result<Reply<ClientOverride>> {
    let updated = service::update_override(&directory, &caller, key, body.into()).await?;
    Ok(Reply::ok(ClientOverride::new(key, updated)))
}

/// Remove the override for a client in one category
#[utoipa::path(tag = "preferences", operation_id = "delete_notification_override", params(("id" = ClientId, Path), ("category" = Category, Path)),
    responses((status = 200, body = ClientOverride)))]
#[delete("/clients/{id}/notification-overrides/{category}")]
pub(super) async fn remove(
    caller: Caller,
    directory: Data<Directory>,
    Path(key): Path<(ClientId, Category)>,
) -> Result<Reply<ClientOverride>> {
    service::delete_override(&directory, &caller, key).await?;
    Ok(Reply::ok(ClientOverride::new(key, None)))
}
