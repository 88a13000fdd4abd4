//! A notification as stored.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use guichet_base::id::{EventId, NotificationId, TeamId};
use guichet_base::{Error, Result, Timestamp};
use serde_json::Value;

use crate::notifications::model::{Notification, Status};
use crate::preferences::{Category, Channel, Priority};

/// The columns of a notification `n`, as [`NotificationRow`] reads them, for `concat!`.
macro_rules! notification_columns {
    () => {
        "n.id, n.seq, n.type AS kind, n.category::text AS category, n.title, n.body, n.link, n.data, n.priority, n.status, \
         n.channel, n.last_event_at, n.read_at, n.archived_at, n.snoozed_until, n.expires_at, n.event_id, n.team_id, \
         n.created_at, n.updated_at"
    };
}

pub(super) use notification_columns;

/// The same columns, for statements built at run time.
pub const NOTIFICATION_COLUMNS: &str = notification_columns!();

/// Their types, in the same order.
pub type NotificationColumns = (
    SqlUuid,
    BigInt,
    Text,
    Text,
    Text,
    Text,
    Nullable<Text>,
    Jsonb,
    Text,
    Text,
    Text,
    Timestamptz,
    Nullable<Timestamptz>,
    Nullable<Timestamptz>,
    Nullable<Timestamptz>,
    Nullable<Timestamptz>,
    SqlUuid,
    Nullable<SqlUuid>,
    Timestamptz,
    Timestamptz,
);

#[derive(Debug, Queryable, QueryableByName)]
pub struct NotificationRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: NotificationId,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    category: String,
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = Text)]
    body: String,
    #[diesel(sql_type = Nullable<Text>)]
    link: Option<String>,
    #[diesel(sql_type = Jsonb)]
    data: Value,
    #[diesel(sql_type = Text)]
    priority: String,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Text)]
    channel: String,
    /// The position in the feed; not part of the response.
    #[diesel(sql_type = Timestamptz)]
    pub last_event_at: Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    read_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    archived_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    snoozed_until: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    expires_at: Option<Timestamp>,
    #[diesel(sql_type = SqlUuid)]
    event_id: EventId,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    team_id: Option<TeamId>,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    updated_at: Timestamp,
}

impl NotificationRow {
    /// Converts to the API's notification. Errors: `INTERNAL` for values that the table's constraints exclude.
    pub fn into_notification(self) -> Result<Notification> {
        let unknown = |what: &str| Error::internal(format!("a notification with an unknown {what}"));
        Ok(Notification {
            id: self.id,
            seq: self.seq,
            kind: self.kind,
            category: self.category.parse::<Category>().ok().ok_or_else(|| unknown("category"))?,
            title: self.title,
            body: self.body,
            link: self.link,
            data: self.data,
            priority: self.priority.parse::<Priority>().ok().ok_or_else(|| unknown("priority"))?,
            status: self.status.parse::<Status>().ok().ok_or_else(|| unknown("status"))?,
            is_read: self.read_at.is_some(),
            channel: self.channel.parse::<Channel>().ok().ok_or_else(|| unknown("channel"))?,
            read_at: self.read_at,
            archived_at: self.archived_at,
            snoozed_until: self.snoozed_until,
            expires_at: self.expires_at,
            event_id: self.event_id,
            team_id: self.team_id,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}
