//! The socket events about a person's notifications, and their payloads.

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

/// `notify:new`: the notification, and the number of unread ones including it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NotificationNewTold)]
pub struct NotificationCreated<'a> {
    pub notification: &'a Notification,
    pub unread: i64,
}

/// `notify:updated`: the notification after a change, and the unread counter.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NotificationUpdatedTold)]
pub struct NotificationUpdated<'a> {
    pub notification: &'a Notification,
    pub unread: i64,
    /// Whether the client should alert the person again: a further event arrived, or the snooze ended.
    pub raised: bool,
}

/// `notify:unread`: only the counter.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NotificationsUnreadTold)]
pub struct UnreadCount {
    pub count: i64,
}

/// `notify:summary`: the client should reload the feed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NotificationsSummaryTold)]
pub struct FeedSummary {
    /// The number of notifications that the summary replaces.
    pub count: i64,
    pub since: Timestamp,
}

/// `notify:deleted`: the notification was deleted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NotificationDeletedTold)]
pub struct NotificationDeleted {
    pub id: NotificationId,
    pub unread: i64,
}

/// Builds an event with a sequence number on a person's notifications topic.
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
        side_events: Vec::new(),
        client: None,
    })
}
