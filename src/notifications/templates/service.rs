//! Use cases of templates. A change takes effect with the next event.

use guichet_base::id::TenantId;
use guichet_base::{Actor, Error, Fault, Result};
use guichet_db::Tx;
use serde_json::{Value, json};

use super::model::Changed;
use super::view::{TemplateView, record_id, stored};
use super::{Template, built_in, merged, policy, store, vet};
use crate::activity::{self, ActivityAction, ActivityEntry};
use crate::config::Feature;
use crate::directory::Directory;
use crate::directory::optimistic_lock::{self, LockedRecord};
use crate::web::{EditBasis, PreconditionResult};

async fn admit(directory: &Directory, actor: &Actor) -> Result<()> {
    policy::may_manage(actor)?;
    directory.require(actor, Feature::Notifications).await
}

/// All templates in force, ordered by code.
pub(super) async fn list(directory: &Directory, actor: &Actor) -> Result<Vec<TemplateView>> {
    admit(directory, actor).await?;
    let tenant = actor.tenant;
    let changed = directory.db().read(actor, move |tx| store::list(tx.conn(), tenant)).await?;
    let view = |template: &Template| {
        let row = changed.iter().find(|row| row.code == template.code);
        TemplateView::of(&template.code, row)
    };
    super::all().map(view).collect()
}

pub(super) async fn read(directory: &Directory, actor: &Actor, code: String) -> Result<TemplateView> {
    admit(directory, actor).await?;
    known(&code)?;
    let tenant = actor.tenant;
    directory
        .db()
        .read(actor, move |tx| {
            let row = store::find(tx.conn(), tenant, &code)?;
            TemplateView::of(&code, row.as_ref())
        })
        .await
}

/// Merges `changes` into the template in force.
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
    admit(directory, actor).await?;
    let shipped = known(&code)?;
    let writer = actor.clone();
    directory
        .db()
        .write(actor, move |tx| {
            let key = (writer.tenant, code.as_str());
            let held = store::lock(tx.conn(), key.0, key.1)?;
            let held = match held {
                Some(held) => held,
                None => {
                    let fields = vetted(shipped, None, &changes)?;
                    is_as_shipped(key.0, &code, &based_on, &changes)?;
                    if fields == json!({}) {
                        return TemplateView::of(&code, None);
                    }
                    match store::insert(tx.conn(), key, &fields, writer.user)? {
                        Some(row) => return saved(tx, &writer, &row),
                        // Another request was first and has committed: this change must be based on that version.
                        None => store::lock(tx.conn(), key.0, key.1)?.ok_or_else(Error::conflict)?,
                    }
                }
            };
            let fields = vetted(shipped, Some(&held.fields), &changes)?;
            if !is_to_apply(tx, &writer, &based_on, &held, &fields, &changes)? || fields == held.fields {
                return TemplateView::of(&code, Some(&held));
            }
            let row = store::update(tx.conn(), key, &fields, writer.user)?;
            saved(tx, &writer, &row)
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
    admit(directory, actor).await?;
    known(&code)?;
    let writer = actor.clone();
    directory
        .db()
        .write(actor, move |tx| {
            let Some(held) = store::lock(tx.conn(), writer.tenant, &code)? else {
                return TemplateView::of(&code, None);
            };
            if !matches!(based_on, EditBasis::Missing) {
                is_to_apply(tx, &writer, &based_on, &held, &json!({}), &json!({}))?;
            }
            store::delete(tx.conn(), writer.tenant, &code)?;
            let entry = ActivityEntry::new(ActivityAction::TemplateReset, "notification_template", &code);
            activity::record(tx, &writer, &entry.with_details(json!({ "fields": names(&held.fields) })))?;
            TemplateView::of(&code, None)
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
    admit(directory, actor).await?;
    let shipped = known(&code)?;
    let tenant = actor.tenant;
    let held = directory.db().read(actor, move |tx| store::changes(tx.conn(), tenant, &code)).await?;
    let Some(changes) = changes else { return super::effective(&shipped.code, held.as_ref()) };
    let template = over(shipped, &stored(&shipped.code, held.as_ref(), &changes))?;
    let faults = vet::form(&template, shipped);
    if faults.is_empty() { Ok(template) } else { Err(Error::validation(under("fields", faults))) }
}

/// Prefixes the fields of faults with the part of the body that they are in.
pub(super) fn under(part: &str, faults: Vec<Fault>) -> Vec<Fault> {
    faults
        .into_iter()
        .map(|fault| Fault { field: format!("{part}.{}", fault.field).into(), ..fault })
        .collect()
}

fn known(code: &str) -> Result<&'static Template> {
    built_in(code).ok_or_else(|| Error::not_found("template"))
}

/// The fields to store, after the resulting template was tested.
fn vetted(shipped: &Template, held: Option<&Value>, changes: &Value) -> Result<Value> {
    let fields = stored(&shipped.code, held, changes);
    let faults = vet::faults(&over(shipped, &fields)?, shipped);
    if faults.is_empty() { Ok(fields) } else { Err(Error::validation(faults)) }
}

fn over(shipped: &Template, fields: &Value) -> Result<Template> {
    let json = serde_json::to_value(shipped).map_err(Error::internal)?;
    // The types of a body are those of a template.
    merged(&json, fields).map_err(Error::internal)
}

/// A template without changes needs no version. A change that names one was based on changes that were reverted
/// since.
fn is_as_shipped(tenant: TenantId, code: &str, based_on: &EditBasis, changes: &Value) -> Result<()> {
    let view = TemplateView::of(code, None)?;
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
        "changed_fields": names(changes),
        "same_user": false,
    })))
}

fn is_to_apply(
    tx: &mut Tx<'_>,
    writer: &Actor,
    based_on: &EditBasis,
    held: &Changed,
    fields: &Value,
    changes: &Value,
) -> Result<bool> {
    let shown = shown(&held.code, Some(held))?;
    let after = shown_with(held, fields)?;
    // The sent fields as the API would return them.
    let wanted: serde_json::Map<String, Value> = names(changes)
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

fn shown(code: &str, row: Option<&Changed>) -> Result<Value> {
    serde_json::to_value(TemplateView::of(code, row)?).map_err(Error::internal)
}

fn shown_with(held: &Changed, fields: &Value) -> Result<Value> {
    shown(&held.code, Some(&Changed { fields: fields.clone(), ..held.clone() }))
}

fn saved(tx: &mut Tx<'_>, writer: &Actor, row: &Changed) -> Result<TemplateView> {
    let entry = ActivityEntry::new(ActivityAction::TemplateUpdate, "notification_template", &row.code);
    activity::record(tx, writer, &entry.with_details(json!({ "fields": names(&row.fields) })))?;
    TemplateView::of(&row.code, Some(row))
}

fn names(fields: &Value) -> Vec<String> {
    fields.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
}
