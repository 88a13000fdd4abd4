//! A person's notifications over sockets: authorization of the topic, its head, and the unread ones on connect.

mod policy;
pub(super) mod store;

use guichet_base::id::{NotificationId, UserId};
use guichet_base::{Actor, Result};
use guichet_realtime::Event;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::store::FeedHead;
use super::Notifications;
use crate::config::Feature;
use crate::notifications::socket_events::{self, NotificationCreated, UnreadCount};

/// `notify:ack`: the notification was read.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AckCommand {
    pub id: NotificationId,
}

/// The events that a socket receives on connect, in order. Live events follow after `head`.
#[derive(Debug)]
pub struct ReplayOnConnect {
    pub head: i64,
    pub events: Vec<Event>,
}

/// Returns the last sequence number of the topic of `user`; 0 before its first event. Errors: `FORBIDDEN`.
pub async fn head(n: &Notifications, actor: &Actor, user: UserId) -> Result<i64> {
    authorize(n, actor, user).await?;
    let (tenant, user) = (actor.tenant, actor.user);
    n.db.read(actor, move |tx| store::head(tx.conn(), tenant, user)).await
}

/// The newest unread notifications of `user`, oldest first, each as a `notify:new` event, then a `notify:unread` event.
/// Rows and head are of one snapshot, so that no event is missed or sent twice.
pub async fn replay_on_connect(n: &Notifications, actor: &Actor, user: UserId) -> Result<ReplayOnConnect> {
    authorize(n, actor, user).await?;
    let (tenant, user, limit, now) = (actor.tenant, actor.user, n.settings.replay_limit, n.clock.now());
    let FeedHead { head, unread, waiting } =
        n.db.read(actor, move |tx| store::feed(tx.conn(), tenant, user, limit, now)).await?;
    let mut events = Vec::with_capacity(waiting.len() + 1);
    for row in waiting {
        let payload = NotificationCreated { notification: &row.notification, unread };
        let mut event =
            socket_events::event(tenant, user, row.notification.seq, socket_events::NEW, &payload)?;
        // The id of the original event; if the outbox no longer has it, the notification's id.
        event.id = row.told.unwrap_or(row.notification.id.0);
        events.push(event);
    }
    events.push(socket_events::event(
        tenant,
        user,
        head,
        socket_events::UNREAD,
        &UnreadCount { count: unread },
    )?);
    Ok(ReplayOnConnect { head, events })
}

async fn authorize(n: &Notifications, actor: &Actor, user: UserId) -> Result<()> {
    policy::may_subscribe(actor, user)?;
    n.directory.require(actor, Feature::Notifications).await
}
