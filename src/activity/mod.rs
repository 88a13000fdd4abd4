//! The activity log: who did what, to what, from where.
//!
//! - What matters for security is written in the transaction of what it tells of, as the actor, so neither is there
//!   without the other. A refusal has no transaction to be kept by: it gets one of its own.
//! - What happens all the time (a message sent, read) waits for nothing: its durable event carries an [`ActivityEntry`] as
//!   `fanout.log`, and a job writes the row from the outbox a moment later ([`derive`]).

mod action;
pub mod connections;
pub mod derive;
pub mod http;
mod model;
mod service;
mod store;

use serde_json::{Value, json};

pub use action::Action;

use guichet_base::{Actor, Result, Role};
use guichet_db::{Db, Tx};

/// One row of the log.
#[derive(Debug, Clone)]
pub struct ActivityEntry {
    pub action: Action,
    /// What it was done to, in the words of the API: `client`, `message`.
    pub entity_type: Option<String>,
    pub entity_id: Option<String>,
    /// A JSON object. Never a secret.
    pub details: Value,
}

impl ActivityEntry {
    pub fn new(action: Action, entity_type: &str, entity_id: impl ToString) -> Self {
        Self {
            action,
            entity_type: Some(entity_type.to_owned()),
            entity_id: Some(entity_id.to_string()),
            details: json!({}),
        }
    }

    pub fn details(mut self, details: Value) -> Self {
        self.details = details;
        self
    }
}

impl ActivityEntry {
    /// As an event carries it, for whom the row is derived from the outbox.
    pub fn carried(&self, actor: &Actor) -> Value {
        json!({
            "user_id": actor.user,
            "action": self.action.as_str(),
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

/// Writes what the service itself did: `tx` is the transaction of a job, which has no actor.
pub fn record_as_itself(tx: &mut Tx<'_>, entry: &ActivityEntry) -> Result<()> {
    store::insert(tx.conn(), entry, None)
}

/// Writes that `actor` tried what they may not do: `what` in words (`PATCH /clients/{id}`), `on` what it was, as
/// type and id. The refusal stands whether or not this can be written; a failure is logged.
pub async fn forbidden(db: &Db, actor: &Actor, what: &str, on: Option<(&str, &str)>) {
    // Whoever makes a tenant acts in one that is not there yet, and so has no log.
    if actor.role == Role::Platform {
        return;
    }
    let entry = ActivityEntry {
        action: Action::ForbiddenAttempt,
        entity_type: on.map(|(kind, _)| cut(kind, 80)),
        entity_id: on.map(|(_, id)| cut(id, 200)),
        details: json!({ "attempted": cut(what, 200), "role": actor.role.as_str() }),
    };
    let ip = actor.ip;
    let written = db.write(actor, move |tx| store::insert(tx.conn(), &entry, ip)).await;
    if let Err(error) = written {
        tracing::warn!(error.cause = %error, "a forbidden attempt could not be written to the activity log");
    }
}

fn cut(text: &str, max_chars: usize) -> String {
    text.chars().take(max_chars).collect()
}
