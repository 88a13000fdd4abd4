//! `/me`.

use actix_web::web::Data;
use actix_web::{get, patch};
use guichet_base::{Locale, Result, Timestamp};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::Me;
use super::service;
use crate::directory::users::{UserChange, profile};
use crate::directory::{Directory, optimistic_lock};
use crate::web::{Caller, IfMatch, Json, Patch, Reply, Validator};

pub fn routes(config: &mut ServiceConfig) {
    config.service(read).service(patch);
}

/// The fields that people may change of themselves. Absent fields stay unchanged.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "locale": "en", "timezone": "Europe/London", "updated_at": "2026-01-02T10:00:00.123Z" }))]
struct ProfileBody {
    display_name: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    email: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    phone: Patch<String>,
    /// https.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    avatar_url: Patch<String>,
    locale: Option<Locale>,
    /// A name of the IANA time zone database.
    timezone: Option<String>,
    /// The `user.updated_at` that this change is based on, unless `If-Match` names a version.
    updated_at: Option<Timestamp>,
    /// Overwrite any newer version (operators only).
    #[serde(default)]
    force: bool,
}

/// Get the caller's profile, permissions and counters
///
/// Everything that an app needs at its start.
#[utoipa::path(tag = "me", operation_id = "read_me", responses((status = 200, body = Me)))]
#[get("/me")]
async fn read(caller: Caller, directory: Data<Directory>) -> Result<Reply<Me>> {
    Ok(Reply::ok(service::read(&directory, &caller).await?))
}

/// Change the caller's profile
#[utoipa::path(tag = "me", operation_id = "patch_me", request_body = ProfileBody, responses((status = 200, body = Me),
    (status = 409, description = "Changed by another request in between"),
    (status = 428, description = "Neither `updated_at` nor `If-Match`")))]
#[patch("/me")]
async fn patch(
    caller: Caller,
    directory: Data<Directory>,
    if_match: IfMatch,
    Json(body): Json<ProfileBody>,
) -> Result<Reply<Me>> {
    let based_on = optimistic_lock::edit_basis(&caller, if_match, body.updated_at, body.force)?;
    let mut check = Validator::new();
    let change = UserChange {
        display_name: check.text_opt("display_name", body.display_name, 1..=200),
        email: profile::email(&mut check, body.email).into_change(),
        phone: profile::phone(&mut check, body.phone).into_change(),
        avatar_url: profile::avatar_url(&mut check, body.avatar_url).into_change(),
        locale: body.locale.map(|one| one.into_str()),
        timezone: profile::timezone(&mut check, body.timezone),
        ..UserChange::default()
    };
    check.finish()?;
    Ok(Reply::ok(service::patch(&directory, &caller, change, based_on).await?))
}
