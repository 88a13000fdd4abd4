//! The notifications of AfriTalk's front end: a person's feed, in its names.

use actix_web::web::Data;
use actix_web::{get, put};
use guichet_base::Result;
use guichet_base::id::{NotificationId, TenantId};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::extract::{AfriTalkCaller, AfriTalkReply};
use crate::notifications::feed::query::{FeedCursor, FeedPageQuery, FeedSort};
use crate::notifications::model::Notification;
use crate::notifications::{Notifications, feed};
use crate::web::{Path, Query, Reply, Validator};

/// The page to return.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct AfriTalkFeedQuery {
    /// 1–200; the default is 50.
    limit: Option<i64>,
    /// The default is 0. Not with `cursor`.
    offset: Option<i64>,
    /// `meta.next` of the previous page.
    cursor: Option<String>,
    /// Only read ones (true), or only unread ones (false).
    is_read: Option<bool>,
}

impl AfriTalkFeedQuery {
    fn into_page_query(self) -> Result<FeedPageQuery> {
        let mut check = Validator::new();
        check.ensure(self.cursor.is_none() || self.offset.is_none(), "cursor", "ambiguous");
        let after = self.cursor.and_then(|cursor| {
            check.parse_enum("cursor", &cursor, |cursor| FeedCursor::parse(cursor, FeedSort::Unread))
        });
        let page = check.page(self.limit, self.offset);
        check.finish()?;
        let mut wanted =
            FeedPageQuery { after, offset: page.offset, limit: page.limit, ..FeedPageQuery::default() };
        wanted.filter.is_read = self.is_read;
        Ok(wanted)
    }
}

/// List the caller's notifications in AfriTalk's names
///
/// Unread ones first, then newest first. `meta.next` is the `cursor` of the next page, null after the last;
/// `meta.unread` is the counter.
#[utoipa::path(tag = "afritalk", operation_id = "afritalk_list_notifications",
    params(("tenantId" = TenantId, Path), AfriTalkFeedQuery), responses((status = 200, body = [Notification])))]
#[get("/tenants/{tenantId}/notifications")]
pub(super) async fn notifications(
    here: AfriTalkCaller,
    n: Data<Notifications>,
    query: Query<AfriTalkFeedQuery>,
) -> Result<AfriTalkReply<Vec<Notification>>> {
    let wanted = query.0.into_page_query()?;
    let limit = wanted.limit;
    let (page, feed, next) = feed::list(&n, &here, wanted).await?;
    let next = next.map(|next| next.to_string());
    let meta = json!({"limit": limit, "next": next, "head": feed.head, "unread": feed.unread});
    Ok(AfriTalkReply(Reply::ok(page).meta(meta)))
}

/// Mark a notification as read, and return it in AfriTalk's names
#[utoipa::path(tag = "afritalk", operation_id = "afritalk_read_notification",
    params(("tenantId" = TenantId, Path), ("notificationId" = NotificationId, Path)),
    responses((status = 200, body = Notification)))]
#[put("/tenants/{tenantId}/notifications/{notificationId}/read")]
pub(super) async fn read(
    here: AfriTalkCaller,
    n: Data<Notifications>,
    path: Path<(TenantId, NotificationId)>,
) -> Result<AfriTalkReply<Notification>> {
    Ok(AfriTalkReply(Reply::ok(feed::ack(&n, &here, path.0.1).await?)))
}
