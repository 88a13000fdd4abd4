//! What a person's sockets are told of their notifications: the payloads as they travel.

use guichet_base::id::{NotificationId, TenantId, UserId};
use guichet_base::{Error, Result, Timestamp};
use guichet_realtime::Event;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::Notification;
use super::topic;

pub const NEW: &str = "notify:new";
pub const UPDATED: &str = "notify:updated";
pub const UNREAD: &str = "notify:unread";
pub const SUMMARY: &str = "notify:summary";
pub const DELETED: &str = "notify:deleted";

pub const EVENTS: [&str; 5] = [NEW, UPDATED, UNREAD, SUMMARY, DELETED];

/// `notify:new`: the notification, and how many are unread with it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NotificationNewTold)]
pub struct NewNotificationEvent<'a> {
    pub notification: &'a Notification,
    pub unread: i64,
}

/// `notify:updated`: the notification as it is now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NotificationUpdatedTold)]
pub struct NotificationUpdated<'a> {
    pub notification: &'a Notification,
    pub unread: i64,
    /// Whether it asks for attention anew: something happened again, or its snooze is over.
    pub raised: bool,
}

/// `notify:unread`: the counter alone.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NotificationsUnreadTold)]
pub struct UnreadCount {
    pub count: i64,
}

/// `notify:summary`: the feed is to be loaded again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NotificationsSummaryTold)]
pub struct FeedSummary {
    /// How many it stands for.
    pub count: i64,
    pub since: Timestamp,
}

/// `notify:deleted`: the notification is gone.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NotificationDeletedTold)]
pub struct NotificationsDeleted {
    pub id: NotificationId,
    pub unread: i64,
}

/// A numbered event of a person's own topic.
pub fn event(
    tenant: TenantId,
    user: UserId,
    seq: i64,
    name: &str,
    payload: &impl Serialize,
) -> Result<Event> {
    Ok(Event {
        tenant,
        id: Uuid::now_v7(),
        topic: topic(user).into(),
        seq,
        name: name.into(),
        payload: serde_json::value::to_raw_value(payload).map_err(Error::internal)?,
        copies: Vec::new(),
        also: Vec::new(),
        client: None,
    })
}
