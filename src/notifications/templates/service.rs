//! Use cases of templates. A change takes effect with the next event.

use guichet_base::id::TenantId;
use guichet_base::{Actor, Error, Fault, Result};
use guichet_db::Tx;
use serde_json::{Value, json};

use super::model::TemplateRow;
use super::view::{TemplateView, fields_to_store, record_id};
use super::{Template, built_in, merged, policy, store, vet};
use crate::activity::{self, ActivityAction, ActivityEntry};
use crate::config::Feature;
use crate::directory::Directory;
use crate::directory::optimistic_lock::{self, LockedRecord};
use crate::web::{EditBasis, PreconditionResult};

async fn authorize(directory: &Directory, actor: &Actor) -> Result<()> {
    policy::may_manage(actor)?;
    directory.require(actor, Feature::Notifications).await
}

/// All templates in force, ordered by code.
pub(super) async fn list(directory: &Directory, actor: &Actor) -> Result<Vec<TemplateView>> {
    authorize(directory, actor).await?;
    let tenant = actor.tenant;
    let changed = directory.db().read(actor, move |tx| store::list(tx.conn(), tenant)).await?;
    let view = |template: &Template| {
        let row = changed.iter().find(|row| row.code == template.code);
        TemplateView::new(&template.code, row)
    };
    super::all_built_in().map(view).collect()
}

pub(super) async fn read(directory: &Directory, actor: &Actor, code: String) -> Result<TemplateView> {
    authorize(directory, actor).await?;
    find_built_in(&code)?;
    let tenant = actor.tenant;
    directory
        .db()
        .read(actor, move |tx| {
            let row = store::find(tx.conn(), tenant, &code)?;
            TemplateView::new(&code, row.as_ref())
        })
        .await
}

/// Merges `changes` into the template in force, and stores the result.
///
/// Errors: `NOT_FOUND`; `VALIDATION_ERROR` with every fault; if the tenant has changed the template before, the
/// errors of optimistic locking.
pub(super) async fn put(
    directory: &Directory,
    actor: &Actor,
    code: String,
    changes: Value,
    based_on: EditBasis,
) -> Result<TemplateView> {
    authorize(directory, actor).await?;
    let built_in = find_built_in(&code)?;
    let writer = actor.clone();
    directory
        .db()
        .write(actor, move |tx| {
            let key = (writer.tenant, code.as_str());
            let stored_row = store::lock(tx.conn(), key.0, key.1)?;
            let row = match stored_row {
                Some(held) => held,
                None => {
                    let fields = merge_and_validate(built_in, None, &changes)?;
                    check_unchanged_version(key.0, &code, &based_on, &changes)?;
                    if fields == json!({}) {
                        return TemplateView::new(&code, None);
                    }
                    match store::insert(tx.conn(), key, &fields, writer.user)? {
                        Some(row) => return record_and_view(tx, &writer, &row),
                        // A concurrent request has committed first: this change must be based on its version.
                        None => store::lock(tx.conn(), key.0, key.1)?.ok_or_else(Error::conflict)?,
                    }
                }
            };
            let fields = merge_and_validate(built_in, Some(&row.fields), &changes)?;
            if !check_version(tx, &writer, &based_on, &row, &fields, &changes)? || fields == row.fields {
                return TemplateView::new(&code, Some(&row));
            }
            let row = store::update(tx.conn(), key, &fields, writer.user)?;
            record_and_view(tx, &writer, &row)
        })
        .await
}

/// Reverts to the built-in template. `based_on` is checked if it names a version.
pub(super) async fn delete(
    directory: &Directory,
    actor: &Actor,
    code: String,
    based_on: EditBasis,
) -> Result<TemplateView> {
    authorize(directory, actor).await?;
    find_built_in(&code)?;
    let writer = actor.clone();
    directory
        .db()
        .write(actor, move |tx| {
            let Some(row) = store::lock(tx.conn(), writer.tenant, &code)? else {
                return TemplateView::new(&code, None);
            };
            if !matches!(based_on, EditBasis::Missing) {
                check_version(tx, &writer, &based_on, &row, &json!({}), &json!({}))?;
            }
            store::delete(tx.conn(), writer.tenant, &code)?;
            let entry = ActivityEntry::new(ActivityAction::TemplateReset, "notification_template", &code);
            activity::record(
                tx,
                &writer,
                &entry.with_details(json!({ "fields": field_names(&row.fields) })),
            )?;
            TemplateView::new(&code, None)
        })
        .await
}

/// The template in force, merged with unsaved `changes` if given.
///
/// Errors: `NOT_FOUND`, and `VALIDATION_ERROR` for invalid changes.
pub(super) async fn draft(
    directory: &Directory,
    actor: &Actor,
    code: String,
    changes: Option<Value>,
) -> Result<Template> {
    authorize(directory, actor).await?;
    let shipped = find_built_in(&code)?;
    let tenant = actor.tenant;
    let stored_changes =
        directory.db().read(actor, move |tx| store::changes(tx.conn(), tenant, &code)).await?;
    let Some(changes) = changes else { return super::effective(&shipped.code, stored_changes.as_ref()) };
    let template =
        merge_into_built_in(shipped, &fields_to_store(&shipped.code, stored_changes.as_ref(), &changes))?;
    let faults = vet::find_static_faults(&template, shipped);
    if faults.is_empty() { Ok(template) } else { Err(Error::validation(prefix_fields("fields", faults))) }
}

/// Prefixes the fields of faults with the part of the body that they are in.
pub(super) fn prefix_fields(part: &str, faults: Vec<Fault>) -> Vec<Fault> {
    faults
        .into_iter()
        .map(|fault| Fault { field: format!("{part}.{}", fault.field).into(), ..fault })
        .collect()
}

fn find_built_in(code: &str) -> Result<&'static Template> {
    built_in(code).ok_or_else(|| Error::not_found("template"))
}

/// The fields to store, after the resulting template was tested.
fn merge_and_validate(shipped: &Template, held: Option<&Value>, changes: &Value) -> Result<Value> {
    let fields = fields_to_store(&shipped.code, held, changes);
    let faults = vet::find_faults(&merge_into_built_in(shipped, &fields)?, shipped);
    if faults.is_empty() { Ok(fields) } else { Err(Error::validation(faults)) }
}

fn merge_into_built_in(shipped: &Template, fields: &Value) -> Result<Template> {
    let json = serde_json::to_value(shipped).map_err(Error::internal)?;
    // The request body has the same types as a template, so this does not fail.
    merged(&json, fields).map_err(Error::internal)
}

/// A template without changes needs no version. A change that names another version was based on changes that have been
/// reverted.
fn check_unchanged_version(
    tenant: TenantId,
    code: &str,
    based_on: &EditBasis,
    changes: &Value,
) -> Result<()> {
    let view = TemplateView::new(code, None)?;
    let error = match based_on.check(view.version(), record_id(tenant, code)) {
        PreconditionResult::Apply | PreconditionResult::Overwrite | PreconditionResult::Missing => {
            return Ok(());
        }
        verdict @ (PreconditionResult::Conflict | PreconditionResult::PreconditionFailed) => {
            verdict.error().unwrap_or_else(Error::conflict)
        }
    };
    Err(error.with_details(json!({
        "current": view,
        "changed_by": null,
        "changed_at": null,
        "changed_fields": field_names(changes),
        "same_user": false,
    })))
}

fn check_version(
    tx: &mut Tx<'_>,
    writer: &Actor,
    based_on: &EditBasis,
    held: &TemplateRow,
    fields: &Value,
    changes: &Value,
) -> Result<bool> {
    let shown = view_json(&held.code, Some(held))?;
    let after = view_json_with(held, fields)?;
    // The sent fields as the API would return them.
    let wanted: serde_json::Map<String, Value> = field_names(changes)
        .into_iter()
        .filter_map(|name| Some((name.clone(), after.get(&name)?.clone())))
        .collect();
    let held = LockedRecord {
        kind: "notification_template",
        id: record_id(writer.tenant, &held.code),
        updated_at: held.updated_at,
        updated_by: held.updated_by,
        view: &shown,
    };
    optimistic_lock::check_version(tx, writer, based_on, &held, &wanted)
}

fn view_json(code: &str, row: Option<&TemplateRow>) -> Result<Value> {
    serde_json::to_value(TemplateView::new(code, row)?).map_err(Error::internal)
}

fn view_json_with(held: &TemplateRow, fields: &Value) -> Result<Value> {
    view_json(&held.code, Some(&TemplateRow { fields: fields.clone(), ..held.clone() }))
}

fn record_and_view(tx: &mut Tx<'_>, writer: &Actor, row: &TemplateRow) -> Result<TemplateView> {
    let entry = ActivityEntry::new(ActivityAction::TemplateUpdate, "notification_template", &row.code);
    activity::record(tx, writer, &entry.with_details(json!({ "fields": field_names(&row.fields) })))?;
    TemplateView::new(&row.code, Some(row))
}

fn field_names(fields: &Value) -> Vec<String> {
    fields.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
}
