//! `/tenant`: the caller's tenant. `/tenants`: creation of tenants.

use std::collections::BTreeMap;

use actix_web::web::Data;
use actix_web::{get, patch, post};
use guichet_base::id::TenantId;
use guichet_base::{Actor, Error, Fault, Result, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::model::{TenantView, is_slug};
use super::service;
use crate::config::Feature;
use crate::directory::{Directory, optimistic_lock};
use crate::web::{Caller, Etag, IdempotencyKey, IfMatch, Json, Reply, Validator};

/// Size of `branding` and `defaults` together, as JSON.
const MAX_SETTINGS_BYTES: usize = 32 * 1024;

pub fn routes(config: &mut ServiceConfig) {
    config.service(read).service(patch).service(create);
}

/// The parts of a tenant's settings. Absent parts stay unchanged.
#[derive(Deserialize, Serialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
struct SettingsBody {
    /// Features to turn on or off. A feature that the configuration turns off stays off.
    #[serde(skip_serializing_if = "Option::is_none")]
    features: Option<BTreeMap<String, bool>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    branding: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    defaults: Option<Map<String, Value>>,
}

impl SettingsBody {
    fn validate(self, check: &mut Validator) -> Result<Value> {
        for name in self.features.iter().flat_map(BTreeMap::keys) {
            check.ensure(
                name.parse::<Feature>().ok().is_some(),
                format!("settings.features.{name}"),
                "unknown_field",
            );
        }
        self.check_notification_defaults(check);
        let settings = serde_json::to_value(self).map_err(Error::internal)?;
        if settings.to_string().len() > MAX_SETTINGS_BYTES {
            check.add(Fault::new("settings", "too_long").with_arg("max", MAX_SETTINGS_BYTES));
        }
        Ok(settings)
    }

    /// Checks that `defaults.notifications.{category}.{channel}` is a boolean, and that category and channel exist.
    fn check_notification_defaults(&self, check: &mut Validator) {
        let defaults = self.defaults.as_ref().and_then(|defaults| defaults.get("notifications"));
        let Some(defaults) = defaults else { return };
        let at = "settings.defaults.notifications";
        check.ensure(defaults.is_object(), at, "wrong_type");
        for (category, channels) in defaults.as_object().into_iter().flatten() {
            check.ensure(channels.is_object(), format!("{at}.{category}"), "wrong_type");
            for (channel, said) in channels.as_object().into_iter().flatten() {
                check.ensure(said.is_boolean(), format!("{at}.{category}.{channel}"), "wrong_type");
            }
        }
    }
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "slug": "martin", "name": "Groupe Martin" }))]
struct NewTenantBody {
    /// 1–63 lower-case letters, digits and hyphens.
    slug: String,
    name: String,
    #[serde(default)]
    settings: SettingsBody,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "settings": { "features": { "meetings": false } }, "updated_at": "2026-01-02T10:00:00.123Z" }))]
struct TenantBody {
    name: Option<String>,
    settings: Option<SettingsBody>,
    /// The version that this change is based on, unless `If-Match` names it.
    updated_at: Option<Timestamp>,
    /// Overwrite any newer version.
    #[serde(default)]
    force: bool,
}

fn reply_with_etag(tenant: TenantView, is_new: bool) -> Reply<TenantView> {
    let etag = Etag::new(tenant.id.0, tenant.updated_at);
    if is_new { Reply::created(tenant) } else { Reply::ok(tenant) }.etag(etag)
}

/// Get the caller's tenant
#[utoipa::path(tag = "provisioning", operation_id = "read_tenant", responses((status = 200, body = TenantView)))]
#[get("/tenant")]
async fn read(caller: Caller, directory: Data<Directory>) -> Result<Reply<TenantView>> {
    Ok(reply_with_etag(service::read(&directory, &caller).await?, false))
}

/// Change the caller's tenant
#[utoipa::path(tag = "provisioning", operation_id = "patch_tenant", request_body = TenantBody, responses((status = 200, body = TenantView)))]
#[patch("/tenant")]
async fn patch(
    caller: Caller,
    directory: Data<Directory>,
    if_match: IfMatch,
    Json(body): Json<TenantBody>,
) -> Result<Reply<TenantView>> {
    let based_on = optimistic_lock::edit_basis(&caller, if_match, body.updated_at, body.force)?;
    let mut check = Validator::new();
    let name = check.text_opt("name", body.name, 1..=200);
    let settings = body.settings.map(|settings| settings.validate(&mut check)).transpose()?;
    check.finish()?;
    Ok(reply_with_etag(service::patch(&directory, &caller, name, settings, based_on).await?, false))
}

/// Create a tenant
///
/// For service tokens of all tenants (`*`).
#[utoipa::path(tag = "provisioning", operation_id = "create_tenant", params(("Idempotency-Key" = Option<String>, Header)), request_body = NewTenantBody,
    responses((status = 201, body = TenantView), (status = 409, description = "`SLUG_TAKEN`")))]
#[post("/tenants")]
async fn create(
    caller: Caller,
    directory: Data<Directory>,
    key: IdempotencyKey,
    Json(body): Json<NewTenantBody>,
) -> Result<Reply<TenantView>> {
    let actor = in_new_tenant(&caller, &key);
    let once = key.bind_body(&body)?;
    let mut check = Validator::new();
    check.ensure(is_slug(&body.slug), "slug", "invalid");
    let name = check.text("name", body.name, 1..=200);
    let settings = body.settings.validate(&mut check)?;
    check.finish()?;
    let done = service::create(&directory, &actor, body.slug, name, settings, once).await?;
    let reply = reply_with_etag(done.value, true);
    Ok(if done.replayed { reply.replayed() } else { reply })
}

/// The caller as an actor of the new tenant. Stored responses belong to a tenant, so the id is derived from the
/// idempotency key: a repeated request means the same tenant.
fn in_new_tenant(caller: &Actor, key: &IdempotencyKey) -> Actor {
    let mut actor = caller.clone();
    if let (guichet_base::Role::Platform, Some(key)) = (actor.role, key.as_str()) {
        actor.tenant = TenantId(Uuid::new_v5(&actor.user.0, key.as_bytes()));
    }
    actor
}
