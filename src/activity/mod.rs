//! The activity log: who did what, to what, and from where.
//!
//! - Security-relevant entries are written in the transaction of their cause, as the actor, so that neither exists
//!   without the other. A refused action has no transaction, so its entry gets one.
//! - Frequent entries (a message sent or read) are not waited for: the durable event carries an [`ActivityEntry`] as
//!   `fanout.log`, and a job writes the row from the outbox a moment later ([`mod@derive`]).

mod action;
pub mod connections;
pub mod derive;
pub mod http;
mod model;
mod service;
mod store;

use serde_json::{Value, json};

pub use action::ActivityAction;

use guichet_base::{Actor, Result, Role};
use guichet_db::{Db, Tx};

/// One row of the log.
#[derive(Debug, Clone)]
pub struct ActivityEntry {
    pub action: ActivityAction,
    /// The type of the entity, as the API names it: `client`, `message`.
    pub entity_type: Option<String>,
    pub entity_id: Option<String>,
    /// A JSON object. Never a secret.
    pub details: Value,
}

impl ActivityEntry {
    pub fn new(action: ActivityAction, entity_type: &str, entity_id: impl ToString) -> Self {
        Self {
            action,
            entity_type: Some(entity_type.to_owned()),
            entity_id: Some(entity_id.to_string()),
            details: json!({}),
        }
    }

    pub fn with_details(mut self, details: Value) -> Self {
        self.details = details;
        self
    }
}

impl ActivityEntry {
    /// The entry as a durable event carries it, so that the job can derive the row from the outbox.
    pub fn to_event_log(&self, actor: &Actor) -> Value {
        json!({
            "user_id": actor.user,
            "action": self.action.into_str(),
            "entity_type": self.entity_type,
            "entity_id": self.entity_id,
            "details": self.details,
            "ip": actor.ip,
        })
    }
}

/// Writes `entry` as `actor`, who must be the actor of `tx`.
pub fn record(tx: &mut Tx<'_>, actor: &Actor, entry: &ActivityEntry) -> Result<()> {
    store::insert(tx.conn(), entry, actor.ip)
}

/// Writes an entry of the service itself: `tx` is the transaction of a job, which has no actor.
pub fn record_as_service(tx: &mut Tx<'_>, entry: &ActivityEntry) -> Result<()> {
    store::insert(tx.conn(), entry, None)
}

/// Logs that `actor` attempted a forbidden action: `what` describes it (`PATCH /clients/{id}`), `on` is the type and
/// id of the entity. The request is refused even if this cannot be written; a failure is logged.
pub async fn record_forbidden(db: &Db, actor: &Actor, what: &str, on: Option<(&str, &str)>) {
    // A tenant that is only being created has no log yet.
    if actor.role == Role::Platform {
        return;
    }
    let entry = ActivityEntry {
        action: ActivityAction::ForbiddenAttempt,
        entity_type: on.map(|(kind, _)| truncate(kind, 80)),
        entity_id: on.map(|(_, id)| truncate(id, 200)),
        details: json!({ "attempted": truncate(what, 200), "role": actor.role.into_str() }),
    };
    let ip = actor.ip;
    let written = db.write(actor, move |tx| store::insert(tx.conn(), &entry, ip)).await;
    if let Err(error) = written {
        tracing::warn!(error.cause = %error, "a forbidden attempt could not be written to the activity log");
    }
}

fn truncate(text: &str, max_chars: usize) -> String {
    text.chars().take(max_chars).collect()
}
