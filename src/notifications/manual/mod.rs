//! Notices that owners and managers send manually, each with an entry in the activity log.

pub mod http;

use guichet_base::{Actor, Result};
use serde_json::{Map, Value, json};

use super::events::{self, Accepted};
use super::model::{AnnouncedEvent, EventSource, Recipients};
use super::{Notifications, policy};
use crate::activity::{self, ActivityAction, ActivityEntry};
use crate::preferences::{Channel, Priority};
use crate::web::idempotency::{IdempotentRequest, Replayable};

/// Template code of notices. The template renders the title and body of the notice.
pub const NOTICE: &str = "system.notice";

/// The text and the recipients of a notice.
#[derive(Debug, Clone)]
pub struct Notice {
    /// `None` means the sender.
    pub recipients: Option<Recipients>,
    pub title: String,
    pub body: String,
    pub link: Option<String>,
    pub priority: Option<Priority>,
    pub channels: Option<Vec<Channel>>,
}

/// Sends a notice. Errors: `FORBIDDEN`, and those of announcing an event.
pub async fn send(
    n: &Notifications,
    actor: &Actor,
    idempotent: IdempotentRequest,
    notice: Notice,
) -> Result<Replayable<Accepted>> {
    policy::may_send_notice(actor)?;
    let (task, sender) = (n.clone(), actor.clone());
    n.db.write(actor, move |tx| {
        idempotent.run_once(tx, |tx| {
            let announced_event = notice_event(&sender, &notice);
            let accepted = events::announce_as(tx, &task, sender.tenant, &announced_event, |plan| {
                plan.priority = notice.priority.unwrap_or(plan.priority);
                if let Some(channels) = &notice.channels {
                    plan.use_only(channels);
                }
            })?;
            let details = json!({"title": notice.title, "recipients": announced_event.recipients, "planned": accepted.progress.planned});
            let entry = ActivityEntry::new(ActivityAction::NotificationSendManual, "event", accepted.progress.id);
            activity::record(tx, &sender, &entry.with_details(details))?;
            Ok(accepted)
        })
    })
    .await
}

fn notice_event(actor: &Actor, notice: &Notice) -> AnnouncedEvent {
    let mut payload = Map::new();
    payload.insert("title".to_owned(), json!(notice.title));
    payload.insert("body".to_owned(), json!(notice.body));
    if let Some(link) = &notice.link {
        payload.insert("url".to_owned(), Value::String(link.clone()));
    }
    let sender_only = || Recipients { users: vec![actor.user], ..Recipients::default() };
    AnnouncedEvent {
        event: NOTICE.to_owned(),
        payload,
        // `None`, so that a sender among the recipients also gets the notice.
        recipients: Some(notice.recipients.clone().unwrap_or_else(sender_only)),
        actor: None,
        occurred_at: None,
        idempotency_key: None,
        source: EventSource::Manual,
        expires_at: None,
    }
}
