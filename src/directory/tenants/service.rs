//! Use cases of tenants.

use guichet_base::{Actor, Error, Result};
use serde_json::{Value, json};

use super::model::{NewTenant, TenantChange, TenantView};
use super::store;
use crate::activity::{self, ActivityAction, ActivityEntry};
use crate::directory::optimistic_lock::{self, LockedRecord};
use crate::directory::{Directory, policy};
use crate::web::{EditBasis, IdempotentRequest, Replayable};
use guichet_base::permission::Permission;

pub(super) async fn read(directory: &Directory, actor: &Actor) -> Result<TenantView> {
    policy::may(actor, Permission::TenantView)?;
    let tenant = actor.tenant;
    directory
        .db()
        .read(actor, move |tx| {
            store::find(tx.conn(), tenant)?.map(TenantView::from).ok_or_else(|| Error::not_found("tenant"))
        })
        .await
}

/// Creates the tenant that `actor`, a service token of all tenants, acts in.
pub(super) async fn create(
    directory: &Directory,
    actor: &Actor,
    slug: String,
    name: String,
    settings: Value,
    once: IdempotentRequest,
) -> Result<Replayable<TenantView>> {
    policy::may(actor, Permission::TenantCreate)?;
    let writer = actor.clone();
    let new = NewTenant { id: actor.tenant, slug, name, settings, updated_by: actor.user };
    directory
        .db()
        .write(actor, move |tx| {
            once.run_once(tx, |tx| {
                let tenant = store::insert(tx.conn(), &new)?;
                activity::record(
                    tx,
                    &writer,
                    &ActivityEntry::new(ActivityAction::TenantCreate, "tenant", tenant.id),
                )?;
                Ok(TenantView::from(tenant))
            })
        })
        .await
}

/// `settings` holds the parts of the settings to change; the others stay.
pub(super) async fn patch(
    directory: &Directory,
    actor: &Actor,
    name: Option<String>,
    settings: Option<Value>,
    based_on: EditBasis,
) -> Result<TenantView> {
    policy::may(actor, Permission::TenantManage)?;
    let (directory, writer) = (directory.clone(), actor.clone());
    directory
        .clone()
        .db()
        .write(actor, move |tx| {
            let tenant = store::lock(tx.conn(), writer.tenant)?.ok_or_else(|| Error::not_found("tenant"))?;
            let change = TenantChange {
                name: name.clone(),
                settings: settings.as_ref().map(|parts| merge_settings(&tenant.settings, parts)),
            };
            let (id, updated_at, updated_by) = (tenant.id, tenant.updated_at, tenant.updated_by);
            let view = TenantView::from(tenant);
            let shown = serde_json::to_value(&view).map_err(Error::internal)?;
            let held = LockedRecord { kind: "tenant", id: id.0, updated_at, updated_by, view: &shown };
            if !optimistic_lock::check_version(tx, &writer, &based_on, &held, &change)?
                || change == TenantChange::default()
            {
                return Ok(view);
            }
            let tenant = store::update(tx.conn(), id, &change)?;
            let fields = optimistic_lock::changed_fields(&change)?;
            let entry = ActivityEntry::new(ActivityAction::TenantUpdate, "tenant", id)
                .with_details(json!({ "fields": fields }));
            activity::record(tx, &writer, &entry)?;
            directory.invalidate_features_after_commit(tx, id);
            Ok(TenantView::from(tenant))
        })
        .await
}

fn merge_settings(settings: &Value, parts: &Value) -> Value {
    let mut merged = settings.as_object().cloned().unwrap_or_default();
    for (key, part) in parts.as_object().into_iter().flatten() {
        merged.insert(key.clone(), part.clone());
    }
    Value::Object(merged)
}
