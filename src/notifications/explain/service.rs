//! Answers what an event led to for one person.

use guichet_base::id::{EventId, UserId};
use guichet_base::{Actor, Error, Result};
use guichet_db::SystemTx;

use super::model::Explanation;
use super::{policy, store};
use crate::config::Feature;
use crate::notifications::Notifications;

/// Errors: `FORBIDDEN` for other people; `NOT_FOUND` for an event or a person that the actor may not see. Except for
/// owners and managers, people see the events that were addressed to them.
pub async fn explain(n: &Notifications, actor: &Actor, event: EventId, user: UserId) -> Result<Explanation> {
    policy::may_explain(actor, user)?;
    n.directory.require(actor, Feature::Notifications).await?;
    let reader = actor.clone();
    n.db.read(actor, move |tx| tx.as_system(|sys| found(sys, &reader, event, user))).await
}

fn found(sys: &mut SystemTx<'_>, actor: &Actor, event_id: EventId, user_id: UserId) -> Result<Explanation> {
    let kept = store::kept(sys, actor.tenant, event_id, user_id)?;
    let decision = kept.decision()?;
    let is_known = kept.knows_person && (decision.is_some() || kept.knows_event);
    let is_visible = decision.is_some() || policy::sees_everybody(actor);
    if !is_known || !is_visible {
        return Err(Error::not_found("event"));
    }
    let deliveries = match kept.notification {
        Some(notification) => store::deliveries_of(sys, actor.tenant, notification)?,
        None => Vec::new(),
    };
    Ok(Explanation {
        event_id,
        user_id,
        event: kept.event,
        in_audience: match (decision.is_some(), kept.is_running) {
            (true, _) => Some(true),
            (false, true) => None,
            (false, false) => Some(false),
        },
        channels: decision,
        notification_id: kept.notification.filter(|_| kept.is_shown),
        deliveries,
    })
}
