//! What a person's sockets are told of their notifications: the payloads as they travel.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::Notification;
use super::topic;
use crate::base::id::{NotificationId, TenantId, UserId};
use crate::base::{Error, Result, Timestamp};
use crate::realtime::Event;

pub const NEW: &str = "notify:new";
pub const UPDATED: &str = "notify:updated";
pub const UNREAD: &str = "notify:unread";
pub const SUMMARY: &str = "notify:summary";
pub const DELETED: &str = "notify:deleted";

pub const EVENTS: [&str; 5] = [NEW, UPDATED, UNREAD, SUMMARY, DELETED];

#[derive(Debug, Serialize, ToSchema)]
pub struct NewTold<'a> {
    pub notification: &'a Notification,
    pub unread: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct UpdatedTold<'a> {
    pub notification: &'a Notification,
    pub unread: i64,
    pub raised: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct UnreadTold {
    pub count: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct SummaryTold {
    pub count: i64,
    pub since: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DeletedTold {
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
