//! Explains the result of an event for one person.

use guichet_base::id::{EventId, UserId};
use guichet_base::{Actor, Error, Result};
use guichet_db::SystemTx;

use super::model::Explanation;
use super::{policy, store};
use crate::config::Feature;
use crate::notifications::Notifications;

/// Explains an event for a person. Errors: `FORBIDDEN` if the person is not the actor; `NOT_FOUND` for an event or a
/// person that the actor may not see. Only owners and managers see events that were not addressed to the person.
pub async fn explain(n: &Notifications, actor: &Actor, event: EventId, user: UserId) -> Result<Explanation> {
    policy::may_explain(actor, user)?;
    n.directory.require(actor, Feature::Notifications).await?;
    let reader = actor.clone();
    n.db.read(actor, move |tx| tx.as_system(|sys| build_explanation(sys, &reader, event, user))).await
}

fn build_explanation(
    sys: &mut SystemTx<'_>,
    actor: &Actor,
    event_id: EventId,
    user_id: UserId,
) -> Result<Explanation> {
    let stored = store::load_explanation(sys, actor.tenant, event_id, user_id)?;
    let decision = stored.decision()?;
    let exists = stored.knows_person && (decision.is_some() || stored.knows_event);
    let is_visible = decision.is_some() || policy::may_explain_all_events(actor);
    if !exists || !is_visible {
        return Err(Error::not_found("event"));
    }
    let deliveries = match stored.notification {
        Some(notification) => store::deliveries_of(sys, actor.tenant, notification)?,
        None => Vec::new(),
    };
    Ok(Explanation {
        event_id,
        user_id,
        event: stored.event,
        in_audience: match (decision.is_some(), stored.is_running) {
            (true, _) => Some(true),
            (false, true) => None,
            (false, false) => Some(false),
        },
        channels: decision,
        notification_id: stored.notification.filter(|_| stored.is_shown),
        deliveries,
    })
}
