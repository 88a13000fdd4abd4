//! Optimistic locking for records that several people edit.
//!
//! A change names the version that it is based on. If the record still has that version, the change is applied.
//! Otherwise nothing changes, and the error shows the current record, who changed it, and which of the sent fields
//! differ. The check runs under the row lock, so that one writer wins per version.

use diesel::prelude::*;
use guichet_base::id::UserId;
use guichet_base::{Actor, Error, Result, Role, Timestamp};
use guichet_db::Tx;
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::activity::{self, ActivityAction, ActivityEntry};
use crate::directory::policy;
use crate::schema::users;
use crate::web::{EditBasis, IfMatch, PreconditionResult};

/// The current state of a record whose row the transaction has locked.
#[derive(Debug)]
pub struct LockedRecord<'a> {
    /// The type as the API names it: `client`.
    pub kind: &'static str,
    pub id: Uuid,
    pub updated_at: Timestamp,
    /// Who changed it last, if its table records that.
    pub updated_by: Option<UserId>,
    /// The record as the API returns it to this reader.
    pub view: &'a Value,
}

/// The version that a change is based on. Errors: `FORBIDDEN` if the actor may not `force`.
pub fn edit_basis(
    actor: &Actor,
    if_match: IfMatch,
    updated_at: Option<Timestamp>,
    force: bool,
) -> Result<EditBasis> {
    if force {
        policy::may_force(actor)?;
    }
    Ok(if_match.edit_basis(updated_at, force))
}

/// Whether a change has to be applied. `wanted` holds the sent fields as the API shows them. A change that the same
/// person has already made, whose response was lost, is not applied again. What a `force` overwrites is written to
/// the activity log. Service tokens need no precondition.
///
/// Errors: `PRECONDITION_REQUIRED`, `CONFLICT`.
pub fn check_version(
    tx: &mut Tx<'_>,
    actor: &Actor,
    based_on: &EditBasis,
    held: &LockedRecord<'_>,
    wanted: &impl Serialize,
) -> Result<bool> {
    let differing = differing_fields(held.view, wanted)?;
    match based_on.check(held.updated_at, held.id) {
        PreconditionResult::Apply => Ok(true),
        PreconditionResult::Missing if actor.role == Role::Service => Ok(true),
        PreconditionResult::Overwrite => {
            record_overwrite(tx, actor, held, &differing)?;
            Ok(true)
        }
        PreconditionResult::Conflict | PreconditionResult::PreconditionFailed
            if differing.is_empty() && held.updated_by == Some(actor.user) =>
        {
            Ok(false)
        }
        verdict @ (PreconditionResult::Conflict
        | PreconditionResult::PreconditionFailed
        | PreconditionResult::Missing) => {
            let error = verdict.error().unwrap_or_else(Error::conflict);
            Err(if verdict == PreconditionResult::Missing {
                error
            } else {
                add_current_record(tx, actor, held, &differing, error)?
            })
        }
    }
}

/// The names of the changed fields, for the activity log. Values would outlive their erasure there.
pub fn changed_fields(wanted: &impl Serialize) -> Result<Vec<String>> {
    differing_fields(&Value::Null, wanted)
}

/// The fields of `wanted` whose values differ from the record.
fn differing_fields(shown: &Value, wanted: &impl Serialize) -> Result<Vec<String>> {
    let Value::Object(wanted) = serde_json::to_value(wanted).map_err(Error::internal)? else {
        return Err(Error::internal("a change is an object"));
    };
    let differs = |(name, value): &(String, Value)| shown.get(name) != Some(value);
    Ok(wanted.into_iter().filter(differs).map(|(name, _)| name).collect())
}

fn record_overwrite(
    tx: &mut Tx<'_>,
    actor: &Actor,
    held: &LockedRecord<'_>,
    differing: &[String],
) -> Result<()> {
    if differing.is_empty() {
        return Ok(());
    }
    let old = |name: &String| (name.clone(), held.view.get(name).cloned().unwrap_or_default());
    let overwritten: Map<String, Value> = differing.iter().map(old).collect();
    let details = json!({
        "overwritten": overwritten,
        "changed_by": held.updated_by,
        "changed_at": held.updated_at,
    });
    activity::record(
        tx,
        actor,
        &ActivityEntry::new(ActivityAction::RecordOverwrite, held.kind, held.id).with_details(details),
    )
}

fn add_current_record(
    tx: &mut Tx<'_>,
    actor: &Actor,
    held: &LockedRecord<'_>,
    differing: &[String],
    error: Error,
) -> Result<Error> {
    let changed_by = match held.updated_by {
        Some(id) => json!({ "id": id, "display_name": name_of(tx, actor, id)? }),
        None => Value::Null,
    };
    Ok(error.with_details(json!({
        "current": held.view,
        "changed_by": changed_by,
        "changed_at": held.updated_at,
        "changed_fields": differing,
        "same_user": held.updated_by == Some(actor.user),
    })))
}

/// `None` for a service, and for people that the actor may not see.
fn name_of(tx: &mut Tx<'_>, actor: &Actor, user: UserId) -> Result<Option<String>> {
    let row = users::table.find((actor.tenant, user)).select(users::display_name);
    Ok(row.first(tx.conn()).optional()?)
}
