//! A person's notifications on their sockets: the right to hear the topic, its head, and what waits there.

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
use crate::notifications::socket_events::{self, NewNotificationEvent, UnreadCount};

/// `notify:ack`: this notification was read.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AckCommand {
    pub id: NotificationId,
}

/// What a person finds at their topic when they come: told in this order, and then what comes after `head`.
#[derive(Debug)]
pub struct ReplayOnConnect {
    pub head: i64,
    pub events: Vec<Event>,
}

/// Where the topic of `user` stands, for the one who may hear it. 0 before its first event.
pub async fn head(n: &Notifications, actor: &Actor, user: UserId) -> Result<i64> {
    admit(n, actor, user).await?;
    let (tenant, user) = (actor.tenant, actor.user);
    n.db.read(actor, move |tx| store::head(tx.conn(), tenant, user)).await
}

/// What waits for `user`: the newest of their unread notifications, oldest first, each as the `notify:new` that it
/// was, and how many are unread in all. Rows and head are of one moment: nothing is missing between them, or told by
/// both.
pub async fn waiting(n: &Notifications, actor: &Actor, user: UserId) -> Result<ReplayOnConnect> {
    admit(n, actor, user).await?;
    let (tenant, user, limit, now) = (actor.tenant, actor.user, n.settings.replay_limit, n.clock.now());
    let FeedHead { head, unread, waiting } =
        n.db.read(actor, move |tx| store::feed(tx.conn(), tenant, user, limit, now)).await?;
    let mut events = Vec::with_capacity(waiting.len() + 1);
    for row in waiting {
        let payload = NewNotificationEvent { notification: &row.notification, unread };
        let mut event =
            socket_events::event(tenant, user, row.notification.seq, socket_events::NEW, &payload)?;
        // As it was told at first; where the log no longer knows, at least the same each time.
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

async fn admit(n: &Notifications, actor: &Actor, user: UserId) -> Result<()> {
    policy::may_hear(actor, user)?;
    n.directory.require(actor, Feature::Notifications).await
}
